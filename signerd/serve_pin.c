/* SPDX-License-Identifier: MIT
 *
 * What only an admin may: initialising the token, setting the client PIN.
 */
#include "serve.h"

err_t serve_init_token(struct request *request)
{
    (void)request;
    return ERR_UNSUPPORTED;
}

err_t serve_init_pin(struct request *request)
{
    (void)request;
    return ERR_UNSUPPORTED;
}

err_t serve_set_pin(struct request *request)
{
    (void)request;
    return ERR_UNSUPPORTED;
}
