#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Published vectors through a Cryptoki module: vectors.py SUITE…, with $SIGNERD_MODULE, $SIGNERD_TOKEN
and $SIGNERD_PIN; nist and wycheproof are all suites of theirs. Keys of known values are brought in as
session objects, used and destroyed. Each vector passes, or is skipped for a reason that is counted;
one line for each suite is printed and compared with what is expected by the caller. What differs
from the vector is told on standard error, and the exit status is 1 then. Where
$VECTORS_OTHER_ERRORS is set any error will do for what must fail: for modules that are not ours."""
import collections
import hashlib
import os
import re
import sys

import cryptoki as ck
import vector_files as files

HERE = os.path.dirname(os.path.abspath(__file__))
NIST = "/usr/lib/python3/dist-packages/cryptography_vectors"
WYCHEPROOF = os.environ.get("WYCHEPROOF", os.path.join(HERE, "../../../shared/vectors/wycheproof"))
DIGESTS = {"SHA1": 20, "SHA224": 28, "SHA256": 32, "SHA384": 48, "SHA512": 64}
CURVES = {"P-256": ("06082a8648ce3d030107", 32), "P-384": ("06052b81040022", 48),
          "P-521": ("06052b81040023", 66)}
# No private key is as large as the order of its curve; NIST has such ones for P-521 alone.
ORDER_P521 = int("1ff" + 63 * "f" + "a51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e91386409", 16)

CIPHERTEXT = ("ENCRYPTED_DATA_INVALID", "ENCRYPTED_DATA_LEN_RANGE")
SIGNATURE = ("SIGNATURE_INVALID", "SIGNATURE_LEN_RANGE")
WRAPPED = ("WRAPPED_KEY_INVALID", "WRAPPED_KEY_LEN_RANGE")
POINT = ("MECHANISM_PARAM_INVALID", "PUBLIC_KEY_INVALID", "DOMAIN_PARAMS_INVALID")


class Skip(Exception):
    """Not done, and why."""


class Differs(Exception):
    pass


class Run:
    """The token, and keys that the last vector had: many vectors in a row share theirs."""

    def __init__(self, token):
        self.token = token
        self.offered = token.mechanisms()
        self.key, self.made_of = None, None

    def offers(self, name):
        if ck.CKM[name] not in self.offered:
            raise Skip(f"CKM_{name} is not offered")

    def drop(self):
        if self.key is not None:
            self.token.destroy(self.key)
        self.key, self.made_of = None, None

    def import_key(self, **values):
        if self.made_of != values:
            self.drop()
            self.key, self.made_of = self.token.create(**values), values
        return self.key

    def secret(self, value, kind=ck.CKK_AES, **uses):
        if not value:
            raise Skip("an empty key")
        return self.import_key(CLASS=ck.CKO_SECRET_KEY, KEY_TYPE=kind, VALUE=value, SENSITIVE=True,
                               EXTRACTABLE=False, **uses)

    def ec_private(self, curve, value, **uses):
        return self.import_key(CLASS=ck.CKO_PRIVATE_KEY, KEY_TYPE=ck.CKK_EC, SENSITIVE=True,
                               EXTRACTABLE=False, EC_PARAMS=bytes.fromhex(CURVES[curve][0]),
                               VALUE=value, **uses)

    def ec_public(self, curve, point):
        wrapped = bytes([4]) + (bytes([0x81]) if len(point) > 127 else b"") + bytes([len(point)])
        return self.import_key(CLASS=ck.CKO_PUBLIC_KEY, KEY_TYPE=ck.CKK_EC, VERIFY=True,
                               EC_PARAMS=bytes.fromhex(CURVES[curve][0]), EC_POINT=wrapped + point)

    def rsa_public(self, n, e):
        return self.import_key(CLASS=ck.CKO_PUBLIC_KEY, KEY_TYPE=ck.CKK_RSA, VERIFY=True,
                               ENCRYPT=True, MODULUS=n, PUBLIC_EXPONENT=e)

    def rsa_private(self, key, **uses):
        parts = {"MODULUS": "Modulus", "PUBLIC_EXPONENT": "Public exponent",
                 "PRIVATE_EXPONENT": "Exponent", "PRIME_1": "Prime 1", "PRIME_2": "Prime 2",
                 "EXPONENT_1": "Prime exponent 1", "EXPONENT_2": "Prime exponent 2",
                 "COEFFICIENT": "Coefficient"}
        return self.import_key(CLASS=ck.CKO_PRIVATE_KEY, KEY_TYPE=ck.CKK_RSA, SENSITIVE=True,
                               EXTRACTABLE=False, **uses,
                               **{name: key[title].lstrip(b"\0") for name, title in parts.items()})


def same(got, wanted):
    if got != wanted:
        raise Differs(f"{got.hex()} instead of {wanted.hex()}")


def refused(names, function, *arguments, **values):
    """The call must fail, with one of these codes."""
    try:
        function(*arguments, **values)
    except ck.Refused as error:
        if ck.NAMES.get(error.rv) not in names and "VECTORS_OTHER_ERRORS" not in os.environ:
            raise Differs(f"refused, but with {error}") from error
        return
    raise Differs("was taken, and must not be")


# ---- NIST: one function a suite, which yields what shall be done for each vector ----

def nist(*parts):
    return os.path.join(NIST, *parts)


def listed(folder, start):
    return sorted(nist(folder, name) for name in os.listdir(nist(folder)) if name.startswith(start))


def aes_plain(run, folder, start, how):
    for path in listed(folder, start):
        for section, v in files.groups(path):
            def one(section=section, v=v):
                key = run.secret(files.hex_of(v["KEY"]), ENCRYPT=True, DECRYPT=True)
                plain, cipher = files.hex_of(v["PLAINTEXT"]), files.hex_of(v["CIPHERTEXT"])
                mechanism = how(files.hex_of(v.get("IV", "")))
                if section.get("title") != "DECRYPT":
                    same(run.token.transform("Encrypt", mechanism, key, plain), cipher)
                if section.get("title") != "ENCRYPT" or start == "aes-":
                    same(run.token.transform("Decrypt", mechanism, key, cipher), plain)
            yield one


def aes_ecb(run):
    run.offers("AES_ECB")
    return aes_plain(run, "ciphers/AES/ECB", "ECB", lambda iv: ck.How("AES_ECB"))


def aes_cbc(run):
    run.offers("AES_CBC")
    return aes_plain(run, "ciphers/AES/CBC", "CBC", lambda iv: ck.How("AES_CBC", iv))


def aes_ctr(run):
    run.offers("AES_CTR")
    return aes_plain(run, "ciphers/AES/CTR", "aes-", ck.ctr)


def aes_gcm(run):
    """Of each set of lengths the first two vectors: there are 525 sets in each file, of 15."""
    run.offers("AES_GCM")
    for path in listed("ciphers/AES/GCM", "gcm"):
        for section, v in files.groups(path):
            if "Key" not in v or int(v["Count"]) >= 2:
                continue

            def one(section=section, v=v):
                if int(section["Taglen"]) < 96:
                    raise Skip("a tag of less than 96 bits")
                key = run.secret(files.hex_of(v["Key"]), ENCRYPT=True, DECRYPT=True)
                sealed = files.hex_of(v["CT"]) + files.hex_of(v["Tag"])
                how = ck.gcm(files.hex_of(v["IV"]), files.hex_of(v["AAD"]), int(section["Taglen"]))
                if "FAIL" in v:
                    refused(CIPHERTEXT, run.token.transform, "Decrypt", how, key, sealed)
                    return
                same(run.token.transform("Encrypt", how, key, files.hex_of(v["PT"])), sealed)
                same(run.token.transform("Decrypt", how, key, sealed), files.hex_of(v["PT"]))
            yield one


def mac(run, how, key, message, tag):
    """Right, and wrong where one bit of the tag is."""
    same(run.token.transform("Sign", how, key, message), tag)
    run.token.verify(how, key, message, tag)
    wrong = bytes([tag[0] ^ 1]) + tag[1:]
    refused(SIGNATURE, run.token.verify, how, key, message, wrong)


def aes_cmac(run):
    run.offers("AES_CMAC")
    for path in listed("CMAC", "nist-800-38b-aes"):
        for _, v in files.groups(path):
            def one(v=v):
                key = run.secret(files.hex_of(v["KEY"]), SIGN=True, VERIFY=True)
                mac(run, ck.How("AES_CMAC"), key, files.hex_of(v["MESSAGE"]), files.hex_of(v["OUTPUT"]))
            yield one


def hmac(run):
    for digest in ("SHA256", "SHA384", "SHA512"):
        for _, v in files.groups(nist("HMAC", f"rfc-4231-{digest.lower()}.txt")):
            def one(digest=digest, v=v):
                tag, value = files.hex_of(v["MD"]), files.hex_of(v["Key"])
                whole = len(tag) == DIGESTS[digest]
                run.offers(f"{digest}_HMAC" + ("" if whole else "_GENERAL"))
                if len(value) < DIGESTS[digest]:
                    raise Skip("SoftHSM takes no HMAC key shorter than the digest")
                key = run.secret(value, ck.CKK_GENERIC_SECRET, SIGN=True, VERIFY=True)
                how = ck.How(f"{digest}_HMAC") if whole else ck.general(f"{digest}_HMAC_GENERAL", len(tag))
                mac(run, how, key, files.hex_of(v["Msg"]), tag)
            yield one


def digests(run):
    for digest, folder in (("SHA1", "SHA1"), *((f"SHA{n}", "SHA2") for n in (224, 256, 384, 512))):
        for length in ("Short", "Long"):
            for _, v in files.groups(nist("hashes", folder, f"{digest}{length}Msg.rsp")):
                def one(digest=digest, v=v):
                    name = "SHA_1" if digest == "SHA1" else digest
                    run.offers(name)
                    message = files.hex_of(v["Msg"])[:int(v["Len"]) // 8]
                    same(run.token.transform("Digest", ck.How(name), None, message), files.hex_of(v["MD"]))
                yield one


def ecdsa_how(run, digest, message):
    """Mechanism and data: the one with its hash, or CKM_ECDSA with the hash made here."""
    if f"ECDSA_{digest}" in ck.CKM:
        run.offers(f"ECDSA_{digest}")
        return ck.How(f"ECDSA_{digest}"), message
    return ck.How("ECDSA"), hashlib.new(digest, message).digest()


def ecdsa_vectors(name):
    for section, v in files.groups(nist("asymmetric/ECDSA/FIPS_186-3", name)):
        curve, _, digest = section["title"].partition(",")
        yield curve, digest.replace("-", ""), v


def need_curve(curve):
    if curve not in CURVES:
        raise Skip("a curve besides P-256, P-384 and P-521")


def ecdsa_verify(run):
    for curve, digest, v in ecdsa_vectors("SigVer.rsp"):
        def one(curve=curve, digest=digest, v=v):
            need_curve(curve)
            size = CURVES[curve][1]
            numbers = {name: files.hex_of(v[name]).rjust(size, b"\0")[-size:] for name in ("Qx", "Qy", "R", "S")}
            key = run.ec_public(curve, b"\4" + numbers["Qx"] + numbers["Qy"])
            how, data = ecdsa_how(run, digest, files.hex_of(v["Msg"]))
            signature = numbers["R"] + numbers["S"]
            if v["Result"].startswith("P"):
                run.token.verify(how, key, data, signature)
            else:
                refused(SIGNATURE, run.token.verify, how, key, data, signature)
        yield one


def ecdsa_sign(run):
    """k is the device's own, so a signature is verified with the vector's public key."""
    for curve, digest, v in ecdsa_vectors("SigGen.txt"):
        def one(curve=curve, digest=digest, v=v):
            need_curve(curve)
            size = CURVES[curve][1]
            how, data = ecdsa_how(run, digest, files.hex_of(v["Msg"]))
            numbers = {name: files.hex_of(v[name]).rjust(size, b"\0")[-size:] for name in ("Qx", "Qy", "R", "S", "d")}
            key = run.ec_private(curve, numbers["d"], SIGN=True)
            made = run.token.transform("Sign", how, key, data)
            key = run.ec_public(curve, b"\4" + numbers["Qx"] + numbers["Qy"])
            run.token.verify(how, key, data, made)
            run.token.verify(how, key, data, numbers["R"] + numbers["S"])
        yield one


def ecdh_secret(run, curve, private, point):
    """The shared secret, read by the session that derived it."""
    key = run.ec_private(curve, private, DERIVE=True)
    made = run.token.derive(ck.ecdh(point), key, CLASS=ck.CKO_SECRET_KEY, KEY_TYPE=ck.CKK_GENERIC_SECRET,
                            SENSITIVE=False, EXTRACTABLE=True, VALUE_LEN=CURVES[curve][1])
    try:
        return run.token.value(made)
    finally:
        run.token.destroy(made)


def ecdh_nist(run):
    run.offers("ECDH1_DERIVE")
    for role in ("init", "resp"):
        path = nist("asymmetric/ECDH", f"KASValidityTest_ECCStaticUnified_NOKC_ZZOnly_{role}.fax")
        for section, v in files.groups(path):
            if "dsIUT" not in v:
                continue

            def one(section=section, v=v):
                curve = {"EC": "P-256", "ED": "P-384", "EE": "P-521"}.get(section["title"].split()[0])
                need_curve(curve)
                size = CURVES[curve][1]
                x, y, d = (files.hex_of(v[name]).rjust(size, b"\0")[-size:] for name in ("QsCAVSx", "QsCAVSy", "dsIUT"))
                result = v["Result"][:4]
                if result in ("F (5", "F (6"):
                    raise Skip("the own public key is wrong: no part of the derivation")
                point = b"\4" + x + y
                if result in ("F (1", "F (2"):
                    refused(POINT, ecdh_secret, run, curve, d, point)
                    return
                if result == "F (7" and int.from_bytes(d, "big") >= ORDER_P521 and curve == "P-521":
                    refused(("ATTRIBUTE_VALUE_INVALID",), run.ec_private, curve, d, DERIVE=True)
                    return
                secret = ecdh_secret(run, curve, d, point)
                name = section["title"].split()[-1].lower()
                hashed = hashlib.new(name, secret).hexdigest()
                if (hashed == v["CAVSHashZZ"].lower()) != (result == "P (0" or result == "P (1"):
                    raise Differs(f"{secret.hex()}, and the vector says {v['Result']}")
            yield one


def rsa_verify(run, name, mechanism):
    n = None
    for section, v in files.groups(nist("asymmetric/RSA/FIPS_186-2", name)):
        n = v.get("n", n)
        if "Msg" not in v:
            continue

        def one(section=section, v=v, n=n):
            bits = int(section["mod"])
            if bits < 2048:
                raise Skip("a key of less than 2048 bits")
            how = mechanism(v)
            key = run.rsa_public(files.hex_of(n), files.hex_of(v["e"]).lstrip(b"\0"))
            data, signature = files.hex_of(v["Msg"]), files.hex_of(v["S"])
            if v.get("Result", "P").startswith("P"):
                run.token.verify(how, key, data, signature)
            else:
                refused(SIGNATURE, run.token.verify, how, key, data, signature)
        yield one


def rsa_pkcs_verify(run):
    def how(v):
        run.offers(f"{v['SHAAlg']}_RSA_PKCS")
        return ck.How(f"{v['SHAAlg']}_RSA_PKCS")
    yield from rsa_verify(run, "SigVer15_186-3.rsp", how)


def rsa_pss_verify(run):
    def how(v):
        run.offers(f"{v['SHAAlg']}_RSA_PKCS_PSS")
        return ck.pss(f"{v['SHAAlg']}_RSA_PKCS_PSS", v["SHAAlg"].replace("SHA1", "SHA_1"), len(v["SaltVal"]) // 2)
    yield from rsa_verify(run, "SigVerPSS_186-3.rsp", how)


def rsa_examples(run, path, work):
    for key, v in files.examples(path):
        def one(key=key, v=v):
            if len(key["Modulus"].lstrip(b"\0")) < 256:
                raise Skip("a key of less than 2048 bits")
            work(run, key, v)
        yield one


def rsa_pkcs_sign(run):
    """Nothing random is in these signatures."""
    run.offers("RSA_PKCS")
    prefix = bytes.fromhex("3021300906052b0e03021a05000414")

    def work(run, key, v):
        handle = run.rsa_private(key, SIGN=True)
        data = prefix + hashlib.sha1(v["Message to be signed"]).digest()
        same(run.token.transform("Sign", ck.How("RSA_PKCS"), handle, data), v["Signature"])
    yield from rsa_examples(run, nist("asymmetric/RSA/pkcs1v15sign-vectors.txt"), work)


def rsa_pkcs_decrypt(run):
    run.offers("RSA_PKCS")

    def work(run, key, v):
        handle = run.rsa_private(key, DECRYPT=True)
        same(run.token.transform("Decrypt", ck.How("RSA_PKCS"), handle, v["Encryption"]), v["Message"])
    yield from rsa_examples(run, nist("asymmetric/RSA/pkcs1v15crypt-vectors.txt"), work)


def rsa_oaep(run):
    run.offers("RSA_PKCS_OAEP")

    def work(run, key, v):
        handle = run.rsa_private(key, DECRYPT=True)
        how = ck.oaep("SHA_1", "SHA_1")
        same(run.token.transform("Decrypt", how, handle, v["Encryption"]), v["Message"])
    yield from rsa_examples(run, nist("asymmetric/RSA/pkcs-1v2-1d2-vec/oaep-vect.txt"), work)


def wrap_suite(run, mechanism, letters):
    """Of each length the first 60 vectors. An unwrapped key is wrapped again to see its value."""
    run.offers(mechanism)
    how = ck.How(mechanism)
    for bits in (128, 192, 256):
        for way in ("AE", "AD"):
            path = nist("keywrap/kwtestvectors", f"{letters}_{way}_{bits}.txt")
            for _, v in files.groups(path):
                if int(v["COUNT"]) >= 60:
                    continue

                def one(way=way, v=v):
                    key = run.secret(files.hex_of(v["K"]), WRAP=True, UNWRAP=True)
                    value = None if "FAIL" in v else files.hex_of(v["P"])
                    if value and len(value) % 8 != 0:
                        raise Skip("SoftHSM fills a key up to 8 bytes before it wraps it")
                    wrap_one(run, how, key, way == "AD", value, files.hex_of(v["C"]))
                yield one


def wrap_one(run, how, key, unwraps, value, wrapped):
    """value None: the wrapped key is no good."""
    token = run.token
    kind = {"CLASS": ck.CKO_SECRET_KEY, "KEY_TYPE": ck.CKK_GENERIC_SECRET, "EXTRACTABLE": True}
    if value is None:
        refused(WRAPPED, token.unwrap, how, key, wrapped, **kind)
        return
    if not unwraps or len(value) < 1:
        target = token.create(VALUE=value, **kind)
        try:
            same(token.wrap(how, key, target), wrapped)
        finally:
            token.destroy(target)
    if unwraps:
        target = token.unwrap(how, key, wrapped, **kind)
        try:
            same(token.wrap(how, key, target), wrapped)
        finally:
            token.destroy(target)


def key_wrap(run):
    yield from wrap_suite(run, "AES_KEY_WRAP", "KW")


def key_wrap_pad(run):
    yield from wrap_suite(run, "AES_KEY_WRAP_PAD", "KWP")


# ---- Wycheproof ----

def proof(name):
    for group, test in files.wycheproof(os.path.join(WYCHEPROOF, f"{name}_test.json")):
        yield group, test, {key: bytes.fromhex(value) for key, value in test.items()
                            if key in ("key", "iv", "aad", "msg", "ct", "tag", "sig")}


def need_aes(value):
    if len(value) not in (16, 24, 32):
        raise Skip("no AES key has this length")


def proof_gcm(run):
    for group, test, v in proof("aes_gcm"):
        def one(group=group, test=test, v=v):
            need_aes(v["key"])
            if group["tagSize"] < 96:
                raise Skip("a tag of less than 96 bits")
            key = run.secret(v["key"], ENCRYPT=True, DECRYPT=True)
            how, sealed = ck.gcm(v["iv"], v["aad"], group["tagSize"]), v["ct"] + v["tag"]
            if not 1 <= len(v["iv"]) <= 256:  # 2.40 mechanisms, 2.12.3
                refused(("MECHANISM_PARAM_INVALID",), run.token.transform, "Decrypt", how, key, sealed)
            elif test["result"] == "invalid":
                refused(CIPHERTEXT, run.token.transform, "Decrypt", how, key, sealed)
            else:
                same(run.token.transform("Encrypt", how, key, v["msg"]), sealed)
                same(run.token.transform("Decrypt", how, key, sealed), v["msg"])
        yield one


def proof_cbc(run):
    for _, test, v in proof("aes_cbc_pkcs5"):
        def one(test=test, v=v):
            key = run.secret(v["key"], ENCRYPT=True, DECRYPT=True)
            how = ck.How("AES_CBC_PAD", v["iv"])
            if test["result"] == "invalid":
                refused(CIPHERTEXT, run.token.transform, "Decrypt", how, key, v["ct"])
            else:
                same(run.token.transform("Encrypt", how, key, v["msg"]), v["ct"])
                same(run.token.transform("Decrypt", how, key, v["ct"]), v["msg"])
        yield one


def proof_mac(run, name, mechanism, size, kind, check_key):
    run.offers(mechanism)
    for group, test, v in proof(name):
        def one(group=group, test=test, v=v):
            check_key(v["key"])
            length = group["tagSize"] // 8
            how = ck.How(mechanism) if length == size else ck.general(f"{mechanism}_GENERAL", length)
            if length != size:
                run.offers(f"{mechanism}_GENERAL")
            key = run.secret(v["key"], kind, SIGN=True, VERIFY=True)
            if test["result"] == "invalid":
                refused(SIGNATURE, run.token.verify, how, key, v["msg"], v["tag"])
            else:
                mac(run, how, key, v["msg"], v["tag"])
        yield one


def proof_cmac(run):
    def check_key(value):
        need_aes(value)
    yield from proof_mac(run, "aes_cmac", "AES_CMAC", 16, ck.CKK_AES, check_key)


def proof_hmac(run):
    def check_key(value):
        if len(value) < 32:
            raise Skip("SoftHSM takes no HMAC key shorter than the digest")
    yield from proof_mac(run, "hmac_sha256", "SHA256_HMAC", 32, ck.CKK_GENERIC_SECRET, check_key)


def proof_wrap(run):
    """acceptable: keys of 64 bits, which RFC 3394 wraps with no integrity to speak of."""
    for _, test, v in proof("aes_wrap"):
        def one(test=test, v=v):
            need_aes(v["key"])
            key = run.secret(v["key"], WRAP=True, UNWRAP=True)
            how = ck.How("AES_KEY_WRAP")
            if test["result"] == "valid":
                wrap_one(run, how, key, True, v["msg"], v["ct"])
                wrap_one(run, how, key, False, v["msg"], v["ct"])
            else:
                wrap_one(run, how, key, True, None, v["ct"])
        yield one


def proof_ecdsa(run, name, raw):
    run.offers("ECDSA_SHA256")
    for group, test, v in proof(name):
        def one(group=group, test=test, v=v):
            signature = raw(v["sig"])
            if signature is None:
                if test["result"] != "invalid":
                    raise Differs("the runner cannot read a signature that is valid")
                raise Skip("no DER of two numbers: PKCS#11 has no DER here")
            if "PointDuplication" in test["flags"] and test["result"] == "valid":
                raise Skip("nettle 3.8 adds no point to itself, and refuses this signature")
            key = run.ec_public("P-256", bytes.fromhex(group["publicKey"]["uncompressed"]))
            if test["result"] == "invalid":
                refused(SIGNATURE, run.token.verify, ck.How("ECDSA_SHA256"), key, v["msg"], signature)
            else:
                run.token.verify(ck.How("ECDSA_SHA256"), key, v["msg"], signature)
        yield one


def proof_ecdsa_der(run):
    yield from proof_ecdsa(run, "ecdsa_secp256r1_sha256", lambda data: files.raw_signature(data, 32))


def proof_ecdsa_raw(run):
    yield from proof_ecdsa(run, "ecdsa_secp256r1_sha256_p1363", lambda data: data)


def proof_ecdh(run):
    """The other side's key comes as SubjectPublicKeyInfo; Cryptoki takes the point in it."""
    run.offers("ECDH1_DERIVE")
    head = bytes.fromhex("3013 06072a8648ce3d0201 06082a8648ce3d030107".replace(" ", ""))
    for _, test in files.wycheproof(os.path.join(WYCHEPROOF, "ecdh_secp256r1_test.json")):
        def one(test=test):
            whole = files.der(bytes.fromhex(test["public"]))
            bits = files.der(whole[1][len(head):]) if whole and whole[1].startswith(head) else None
            if bits is None or bits[0] != 3 or bits[2] or whole[2] or bits[1][:1] != b"\0":
                if test["result"] == "valid":
                    raise Differs("the runner cannot read a key that is valid")
                raise Skip("no SubjectPublicKeyInfo of P-256 by name: CKM_ECDH1_DERIVE takes the point alone")
            point = bits[1][1:]
            private = bytes.fromhex(test["private"]).lstrip(b"\0").rjust(32, b"\0")
            if test["result"] == "valid":
                same(ecdh_secret(run, "P-256", private, point), bytes.fromhex(test["shared"]))
            elif test["result"] == "invalid":
                refused(POINT, ecdh_secret, run, "P-256", private, point)
            else:  # compressed, or with bytes too many: refused, or the right secret
                try:
                    same(ecdh_secret(run, "P-256", private, point), bytes.fromhex(test["shared"]))
                except ck.Refused:
                    refused(POINT, ecdh_secret, run, "P-256", private, point)
        yield one


SUITES = {
    "nist": {"aes-ecb": aes_ecb, "aes-cbc": aes_cbc, "aes-ctr": aes_ctr, "aes-gcm": aes_gcm,
             "aes-cmac": aes_cmac, "hmac": hmac, "digests": digests, "ecdsa-verify": ecdsa_verify,
             "ecdsa-sign": ecdsa_sign, "ecdh": ecdh_nist, "rsa-pkcs-verify": rsa_pkcs_verify,
             "rsa-pss-verify": rsa_pss_verify, "rsa-pkcs-sign": rsa_pkcs_sign,
             "rsa-pkcs-decrypt": rsa_pkcs_decrypt, "rsa-oaep-decrypt": rsa_oaep,
             "key-wrap": key_wrap, "key-wrap-pad": key_wrap_pad},
    "wycheproof": {"ecdsa-p1363": proof_ecdsa_raw, "ecdsa-der": proof_ecdsa_der, "ecdh": proof_ecdh,
                   "aes-gcm": proof_gcm, "aes-cbc-pkcs5": proof_cbc, "aes-cmac": proof_cmac,
                   "aes-wrap": proof_wrap, "hmac-sha256": proof_hmac},
}


def run_suite(name, run, suite):
    """Prints "NAME pass N" and "NAME skipped N: REASON"; returns how many differ."""
    passed, wrong, skipped = 0, 0, collections.Counter()
    try:
        for number, vector in enumerate(suite(run), 1):
            try:
                vector()
                passed += 1
            except Skip as reason:
                skipped[str(reason)] += 1
            except (Differs, ck.Refused) as error:
                wrong += 1
                if wrong <= 5:
                    print(f"{name} {number}: {error}", file=sys.stderr)
    except Skip as reason:
        skipped[str(reason)] += 1
    run.drop()
    print(name, "pass", passed)
    for reason, count in sorted(skipped.items()):
        print(name, "skipped", f"{count}: {reason}")
    if wrong:
        print(name, "wrong", wrong)
    return wrong


def functions():
    """The names in the order of CK_FUNCTION_LIST."""
    path = os.environ.get("FUNCTIONS", os.path.join(HERE, "../../pkcs11-module/functions.def"))
    with open(path, encoding="utf-8") as lines:
        return re.findall(r"^FUNCTION(?:_OF_EACH)?\((C_\w+)\)$", lines.read(), re.MULTILINE)


def main():
    pin = os.environ.get("SIGNERD_PIN")
    token = ck.Token(os.environ["SIGNERD_MODULE"], functions(), os.environ["SIGNERD_TOKEN"].encode(),
                     pin.encode() if pin else None)
    run, wrong = Run(token), 0
    for argument in sys.argv[1:]:
        origin, _, name = argument.partition("/")
        for suite, function in SUITES[origin].items():
            if name in ("", suite):
                wrong += run_suite(f"{origin}/{suite}", run, function)
    if token.sessions() not in ((1, 1), (ck.UNAVAILABLE, ck.UNAVAILABLE)):
        print("sessions are left:", token.sessions(), file=sys.stderr)
        wrong += 1
    token.call("C_Finalize", None)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
