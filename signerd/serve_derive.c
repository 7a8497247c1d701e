/* SPDX-License-Identifier: MIT
 *
 * Keys derived from keys, and the value of a secret that was derived for its session.
 */
#include "serve.h"

err_t serve_derive(struct request *request)
{
    (void)request;
    return ERR_UNSUPPORTED;
}

err_t serve_value(struct request *request)
{
    (void)request;
    return ERR_UNSUPPORTED;
}
