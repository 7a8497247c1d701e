/* SPDX-License-Identifier: MIT
 *
 * make-state-seeds DIRECTORY: writes the seeds of fuzz_state there, one for each hash, without the
 * sum, which the fuzzer puts behind. To be run by hand when the form of saved states changes.
 */
#include "seed.h"

#include "pkcs11-module/saved_state.h"

static void save(const char *name, CK_MECHANISM_TYPE digest, CK_MECHANISM_TYPE signature)
{
    static const uint8_t data[77];
    uint8_t bytes[SAVED_STATE_MAX];
    struct writer w = writer_of(bytes, sizeof bytes);
    struct saved_state state = {0};
    struct saved_operation *const operations[] = {&state.digest, &state.signature};
    state.digest.mechanism = mechanism_find(digest, CKF_DIGEST);
    state.digest.kind = SAVED_DIGEST;
    state.signature.mechanism = mechanism_find(signature, CKF_SIGN);
    state.signature.kind = SAVED_SIGN;
    for (size_t i = 0; i < 2; i++) {
        if (operations[i]->mechanism == NULL)
            continue;
        operations[i]->updated = true;
        operations[i]->mechanism->hash->init(&operations[i]->hash);
        operations[i]->mechanism->hash->update(&operations[i]->hash, sizeof data, data);
    }
    saved_state_write(&state, &w);
    struct reader r = reader_of(writer_bytes(&w));
    seed_save("fuzz_state", name, read_span(&r, w.used - SHA256_DIGEST_SIZE));
}

int main(int argc, char **argv)
{
    static const CK_MECHANISM_TYPE none = CKM_VENDOR_DEFINED;
    seed_begin("make-state-seeds", argc, argv);
    save("sha1", CKM_SHA_1, none);
    save("sha224", CKM_SHA224, none);
    save("sha384", CKM_SHA384, none);
    save("sha512", CKM_SHA512, none);
    save("signature", none, CKM_ECDSA_SHA256);
    save("both", CKM_SHA256, CKM_ECDSA_SHA256);
    return 0;
}
