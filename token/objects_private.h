/* SPDX-License-Identifier: MIT
 *
 * What a token open for writing is made of, for the files of this folder.
 */
#ifndef TOKEN_OBJECTS_PRIVATE_H
#define TOKEN_OBJECTS_PRIVATE_H

#include "object.h"
#include "objects.h"

struct token_objects {
    struct token_session session;
    struct token_object key; /* found, or made */
    char *uri;               /* of key; NULL before */
    bool made;
    CK_OBJECT_HANDLE made_public;
};

#endif
