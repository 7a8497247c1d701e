/* SPDX-License-Identifier: MIT
 *
 * Matching templates against the snapshot.
 */
#include "find.h"

#include "base/secret.h"
#include "ckr.h"
#include "listing.h"
#include "module.h"
#include "session.h"
#include "template.h"

#include <stdlib.h>
#include <string.h>

void find_end(struct find *find)
{
    free(find->handles);
    *find = (struct find){0};
}

/* Every attribute of the template is in the object, with the same value. */
static bool matches(struct span object, struct span template)
{
    struct reader r = reader_of(template);
    struct wire_attribute wanted;
    while (attribute_next(&r, &wanted)) {
        struct span value;
        if (!attribute_get(object, wanted.type, &value) || !span_equal(value, wanted.value))
            return false;
    }
    return true;
}

static CK_RV collect(struct session *session, struct span template, struct find *find)
{
    const struct slot *slot = session->slot;
    CK_RV rv = CKR_OK;
    module_lock(session->module);
    const struct snapshot *snapshot = &slot->snapshot;
    find->handles = calloc(snapshot->count + 1, sizeof *find->handles);
    if (find->handles == NULL)
        rv = CKR_HOST_MEMORY;
    for (size_t i = 0; rv == CKR_OK && i < snapshot->count; i++)
        if (matches(object_attributes(&snapshot->objects[i]), template))
            find->handles[find->count++] = snapshot->objects[i].handle;
    module_unlock(session->module);
    return rv;
}

CK_RV find_begin(struct session *session, const CK_ATTRIBUTE *attributes, CK_ULONG count)
{
    uint8_t template[WIRE_TEMPLATE_MAX];
    struct writer w = writer_of(template, sizeof template);
    if (session->find.active)
        return CKR_OPERATION_ACTIVE;
    CK_RV rv = template_write(attributes, count, &w);
    if (rv == CKR_ARGUMENTS_BAD)
        return rv;
    const bool hopeless = rv != CKR_OK; /* no object has such an attribute */
    struct find find = {.active = true};
    rv = ckr_of(listing_refresh(session->slot));
    if (rv == CKR_OK && !hopeless)
        rv = collect(session, writer_bytes(&w), &find);
    secret_wipe(template, w.used);
    if (rv == CKR_OK)
        session->find = find;
    return rv;
}

CK_RV find_more(struct session *session, CK_OBJECT_HANDLE *handles, CK_ULONG room, CK_ULONG *count)
{
    struct find *find = &session->find;
    if (!find->active)
        return CKR_OPERATION_NOT_INITIALIZED;
    if (count == NULL || (handles == NULL && room != 0))
        return CKR_ARGUMENTS_BAD;
    const size_t left = find->count - find->next;
    const size_t given = room < left ? room : left;
    if (given > 0)
        memcpy(handles, find->handles + find->next, given * sizeof *handles);
    find->next += given;
    *count = given;
    return CKR_OK;
}

CK_RV find_finish(struct session *session)
{
    if (!session->find.active)
        return CKR_OPERATION_NOT_INITIALIZED;
    find_end(&session->find);
    return CKR_OK;
}
