/* SPDX-License-Identifier: MIT
 *
 * The stand of the tests of encryption.
 */
#include "cipher_stand.h"

static uint8_t key_bytes[32];
static uint8_t iv[12];
static uint8_t aad[40];
static uint8_t cbc_iv[BLOCK];

CK_OBJECT_HANDLE cipher_key;
CK_GCM_PARAMS cipher_params;
uint8_t cipher_data[CIPHER_DATA];
uint8_t cipher_wanted[CIPHER_ROOM];
uint8_t cipher_out[CIPHER_ROOM];
CK_ULONG cipher_out_len;

static CK_MECHANISM gcm = {CKM_AES_GCM, &cipher_params, sizeof cipher_params};
static CK_MECHANISM cbc = {CKM_AES_CBC_PAD, cbc_iv, sizeof cbc_iv};

static size_t expect_gcm(size_t data_len)
{
    return reference_gcm(BYTES(key_bytes), BYTES(iv), BYTES(aad),
        (struct bytes){cipher_data, data_len}, cipher_wanted);
}

static size_t expect_cbc(size_t data_len)
{
    return reference_cbc(
        BYTES(key_bytes), cbc_iv, (struct bytes){cipher_data, data_len}, cipher_wanted);
}

const struct cipher cipher_gcm = {&gcm, expect_gcm};
const struct cipher cipher_cbc = {&cbc, expect_cbc};

size_t cipher_expect(const struct cipher *cipher, size_t data_len)
{
    return cipher->reference(data_len);
}

void cipher_reset_parameters(void)
{
    fill_bytes(iv, sizeof iv, 3);
    fill_bytes(aad, sizeof aad, 4);
    fill_bytes(cbc_iv, sizeof cbc_iv, 5);
    cipher_params = (CK_GCM_PARAMS){iv, sizeof iv, 8 * sizeof iv, aad, sizeof aad, 8 * TAG};
}

void cipher_spoil_parameters(void)
{
    memset(iv, 0x5a, sizeof iv);
    memset(aad, 0x5a, sizeof aad);
    memset(cbc_iv, 0x5a, sizeof cbc_iv);
    memset(&cipher_params, 0x5a, sizeof cipher_params);
}

int cipher_up(void **state)
{
    if (stand_up(state) != 0)
        return -1;
    fill_bytes(key_bytes, sizeof key_bytes, 6);
    fill_bytes(cipher_data, sizeof cipher_data, 7);
    cipher_reset_parameters();
    cipher_out_len = CIPHER_ROOM;
    assert_rv(CKR_OK, import_secret(stand.session, false, "cipher", CKK_AES, key_bytes,
                          sizeof key_bytes, &cipher_key));
    return 0;
}

void assert_cipher_ended(void)
{
    CK_ULONG len = CIPHER_ROOM;
    assert_rv(CKR_OPERATION_NOT_INITIALIZED,
        p11->C_Encrypt(stand.session, cipher_data, 1, cipher_out, &len));
    assert_rv(CKR_OPERATION_NOT_INITIALIZED,
        p11->C_EncryptUpdate(stand.session, cipher_data, 1, cipher_out, &len));
    assert_rv(CKR_OPERATION_NOT_INITIALIZED, p11->C_EncryptFinal(stand.session, cipher_out, &len));
    assert_rv(CKR_OPERATION_NOT_INITIALIZED,
        p11->C_Decrypt(stand.session, cipher_data, 1, cipher_out, &len));
    assert_rv(CKR_OPERATION_NOT_INITIALIZED,
        p11->C_DecryptUpdate(stand.session, cipher_data, 1, cipher_out, &len));
    assert_rv(CKR_OPERATION_NOT_INITIALIZED, p11->C_DecryptFinal(stand.session, cipher_out, &len));
}
