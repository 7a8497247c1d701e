/* SPDX-License-Identifier: MIT
 *
 * The mechanism table. A new mechanism is a new row.
 */
#include "mechanism.h"

const struct mechanism_row mechanism_rows[] = {
    {CKM_EC_KEY_PAIR_GEN, CKF_GENERATE_KEY_PAIR, CKK_EC, CKM_EC_KEY_PAIR_GEN, NULL},
    {CKM_ECDSA, CKF_SIGN, CKK_EC, CKM_ECDSA, NULL},
    {CKM_ECDSA_SHA256, CKF_SIGN, CKK_EC, CKM_ECDSA, &nettle_sha256},
};
const size_t mechanism_rows_count = sizeof mechanism_rows / sizeof mechanism_rows[0];

/* CKF_EC_F_P to CKF_EC_COMPRESS (2.40 mechanisms, 2.3) */
static const CK_FLAGS ec_flags = 0x3fUL << 20;

const struct mechanism_row *mechanism_find(CK_MECHANISM_TYPE type, CK_FLAGS function)
{
    for (size_t i = 0; i < mechanism_rows_count; i++)
        if (mechanism_rows[i].type == type && mechanism_rows[i].function == function)
            return &mechanism_rows[i];
    return NULL;
}

bool mechanism_info(const struct mechanism_row *row, const struct wire_mechanism *device,
    CK_MECHANISM_INFO *ret_info)
{
    if ((device->flags & row->function) == 0)
        return false;
    const CK_FLAGS by_device = row->hash == NULL ? CKF_HW : 0; /* a hash done here is no hardware */
    *ret_info = (CK_MECHANISM_INFO){
        .ulMinKeySize = device->min_key_size,
        .ulMaxKeySize = device->max_key_size,
        .flags = device->flags & (row->function | ec_flags | by_device),
    };
    return true;
}
