/* SPDX-License-Identifier: MIT
 *
 * Searching a token, and reading what was found.
 */
#include "object.h"

#include "rv.h"

#include "base/log.h"

#include <string.h>

enum { WANTED_MAX = 8 };

err_t token_objects_matching(struct token_session *session, CK_ATTRIBUTE *wanted, CK_ULONG count,
    CK_OBJECT_HANDLE *ret_handles, CK_ULONG size, CK_ULONG *ret_count)
{
    CK_ULONG found = 0;
    CK_FUNCTION_LIST *module = session->module;
    CK_RV rv = module->C_FindObjectsInit(session->handle, wanted, count);
    if (rv == CKR_OK) {
        CK_ULONG more = 1;
        while (rv == CKR_OK && more > 0 && found < size) {
            rv = module->C_FindObjects(session->handle, ret_handles + found, size - found, &more);
            found += rv == CKR_OK ? more : 0;
        }
        (void)module->C_FindObjectsFinal(session->handle);
    }
    if (rv == CKR_OK)
        *ret_count = found;
    return token_rv(session->uri->shown, "cannot search the token", rv);
}

err_t token_object_attribute(struct token_session *session, CK_OBJECT_HANDLE object,
    CK_ATTRIBUTE_TYPE type, void *ret_value, size_t size, size_t *ret_len)
{
    CK_ATTRIBUTE attribute = {type, ret_value, size};
    CK_RV rv = session->module->C_GetAttributeValue(session->handle, object, &attribute, 1);
    if (rv == CKR_BUFFER_TOO_SMALL)
        return ERR_ATTRIBUTE_TYPE;
    if (rv == CKR_OK && attribute.ulValueLen > size)
        return ERR_ATTRIBUTE_TYPE;
    if (rv == CKR_OK)
        *ret_len = attribute.ulValueLen;
    return token_rv_err(rv);
}

/* The class, and label and id where the URI has them. */
static CK_ULONG wanted_of(
    const struct token_uri *uri, CK_OBJECT_CLASS *class, CK_ATTRIBUTE wanted[static WANTED_MAX])
{
    static const CK_ATTRIBUTE_TYPE types[] = {CKA_LABEL, CKA_ID};
    CK_ULONG count = 0;
    wanted[count++] = (CK_ATTRIBUTE){CKA_CLASS, class, sizeof *class};
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        const CK_ATTRIBUTE *attribute = token_uri_attribute(uri, types[i]);
        if (attribute != NULL)
            wanted[count++] = *attribute;
    }
    return count;
}

err_t token_object_find(struct token_session *session, CK_OBJECT_CLASS class, const char *what,
    struct token_object *ret_object)
{
    const char *shown = session->uri->shown;
    if (session->uri->has_class && session->uri->class != class) {
        log_error("%s: its type is not that of a %s", shown, what);
        return ERR_ARGUMENTS;
    }
    CK_ATTRIBUTE wanted[WANTED_MAX];
    CK_ULONG count = wanted_of(session->uri, &class, wanted);
    CK_OBJECT_HANDLE handles[2];
    CK_ULONG found = 0;
    err_t err = token_objects_matching(session, wanted, count, handles, 2, &found);
    if (err != ERR_OK)
        return err;
    if (found == 0) {
        log_error("%s: there is no such %s; see what there is: p11tool --list-all", shown, what);
        return ERR_OBJECT_GONE;
    }
    if (found > 1) {
        log_error("%s: more than one %s fits; add object=LABEL or id=%%XX", shown, what);
        return ERR_TEMPLATE_INCONSISTENT;
    }
    struct token_object object = {.handle = handles[0]};
    err = token_object_attribute(
        session, object.handle, CKA_ID, object.id, sizeof object.id, &object.id_len);
    if (err == ERR_OK)
        err = token_object_attribute(session, object.handle, CKA_LABEL, object.label,
            sizeof object.label, &object.label_len);
    if (err != ERR_OK) {
        log_error("%s: cannot read id and label of the %s: %s", shown, what, err_text(err));
        return err;
    }
    *ret_object = object;
    return ERR_OK;
}
