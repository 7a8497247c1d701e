#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What pkcs11-tool has no word for: keys of known values in $SIGNERD_TOKEN, by $SIGNERD_MODULE, and
openssl with the same keys; what one has made the other opens. Prints one line for each; the exit
status is 1 where one differs. argv: functions.def, and a directory for files."""
import os
import re
import subprocess
import sys

import cryptoki as ck

failed = False
WRAP_IV = {"AES_KEY_WRAP": "a6a6a6a6a6a6a6a6", "AES_KEY_WRAP_PAD": "a65959a6"}
ALL = {name: True for name in ("ENCRYPT", "DECRYPT", "SIGN", "VERIFY", "WRAP", "UNWRAP")}


def check(name, right):
    global failed
    failed = failed or not right
    print(name, "ok" if right else "DIFFERS")


def refused(name, code, call, *arguments):
    try:
        call(*arguments)
        check(name, False)
    except ck.Refused as error:
        check(f"{name}: {error}", error.rv == ck.CKR[code])


def openssl(data, *words):
    return subprocess.run(("openssl",) + words, input=data, capture_output=True, check=True).stdout


def secret(token, kind, value):
    return token.create(CLASS=ck.CKO_SECRET_KEY, KEY_TYPE=kind, VALUE=value, EXTRACTABLE=True, **ALL)


def counter(token):
    value, block, data = os.urandom(32), os.urandom(14) + b"\xff\xff", os.urandom(1001)
    key = secret(token, ck.CKK_AES, value)
    wanted = openssl(data, "enc", "-aes-256-ctr", "-K", value.hex(), "-iv", block.hex())
    got = token.transform("Encrypt", ck.ctr(block), key, data)
    check("AES_CTR encrypts", got == wanted)
    check("AES_CTR decrypts", token.transform("Decrypt", ck.ctr(block), key, wanted) == data)


def mac(token, name, kind, how):
    value, data = os.urandom(32 if kind == ck.CKK_AES else 64), os.urandom(1001)
    key = secret(token, kind, value)
    wanted = bytes.fromhex(openssl(data, "mac", *how[:2], "-macopt", "hexkey:" + value.hex(), *how[2:]).decode())
    for how in (ck.How(name), ck.general(name + "_GENERAL", 10)):
        cut = wanted if how.mechanism.len == 0 else wanted[:10]
        what = f"{name} of {len(cut)} bytes"
        check(f"{what} signs", token.transform("Sign", how, key, data) == cut)
        token.verify(how, key, data, cut)
        refused(f"{what} refuses", "SIGNATURE_INVALID", token.verify, how, key, data + b"x", cut)


def wrapping(token, name):
    value, inner, iv = os.urandom(32), os.urandom(32), WRAP_IV[name]
    kind = "-aes256-wrap" + ("-pad" if name.endswith("PAD") else "")
    words = ("enc", kind, "-K", value.hex(), "-iv", iv)
    key = secret(token, ck.CKK_AES, value)
    wrapped = token.wrap(ck.How(name), key, secret(token, ck.CKK_GENERIC_SECRET, inner))
    check(f"{name} wraps", wrapped == openssl(inner, *words))
    # The padding is what the other one lacks.
    inner = os.urandom(45 if name.endswith("PAD") else 40)
    data = os.urandom(100)
    made = token.unwrap(ck.How(name), key, openssl(inner, *words), CLASS=ck.CKO_SECRET_KEY,
                        KEY_TYPE=ck.CKK_GENERIC_SECRET, SIGN=True)
    wanted = openssl(data, "mac", "-digest", "SHA256", "-macopt", "hexkey:" + inner.hex(), "HMAC")
    got = token.transform("Sign", ck.How("SHA256_HMAC"), made, data)
    check(f"{name} unwraps", got == bytes.fromhex(wanted.decode()))


def numbers(der):
    """The INTEGERs of an RSAPrivateKey (RFC 8017, A.1.2), in DER."""
    found, at = [], 4
    while at < len(der):
        size, start = der[at + 1], at + 2
        if size & 0x80:
            start += size & 0x7F
            size = int.from_bytes(der[at + 2:start], "big")
        found.append(der[start:start + size].lstrip(b"\0"))
        at = start + size
    return found[1:]


def rsa_pair(token, private):
    openssl(b"", "genrsa", "-out", private, "2048")
    der = openssl(b"", "rsa", "-in", private, "-outform", "der", "-traditional")
    names = ("MODULUS", "PUBLIC_EXPONENT", "PRIVATE_EXPONENT", "PRIME_1", "PRIME_2", "EXPONENT_1",
             "EXPONENT_2", "COEFFICIENT")
    parts = dict(zip(names, numbers(der)))
    hidden = token.create(CLASS=ck.CKO_PRIVATE_KEY, KEY_TYPE=ck.CKK_RSA, DECRYPT=True, UNWRAP=True,
                          **parts)
    public = token.create(CLASS=ck.CKO_PUBLIC_KEY, KEY_TYPE=ck.CKK_RSA, ENCRYPT=True, WRAP=True,
                          MODULUS=parts["MODULUS"], PUBLIC_EXPONENT=parts["PUBLIC_EXPONENT"])
    return public, hidden


def rsa(token, private):
    public, hidden = rsa_pair(token, private)
    value, data, iv = os.urandom(32), os.urandom(100), os.urandom(16)
    target = secret(token, ck.CKK_AES, value)
    for name, how, padding in (("RSA_PKCS", ck.How("RSA_PKCS"), "pkcs1"),
                               ("RSA_PKCS_OAEP", ck.oaep("SHA_1", "SHA_1"), "oaep")):
        words = ("pkeyutl", "-inkey", private, "-pkeyopt", "rsa_padding_mode:" + padding)
        encrypted = token.transform("Encrypt", how, public, data)
        check(f"{name} encrypts", openssl(encrypted, *words, "-decrypt") == data)
        encrypted = openssl(data, *words, "-encrypt")
        check(f"{name} decrypts", token.transform("Decrypt", how, hidden, encrypted) == data)
        wrapped = token.wrap(how, public, target)
        check(f"{name} wraps", openssl(wrapped, *words, "-decrypt") == value)
        made = token.unwrap(how, hidden, openssl(value, *words, "-encrypt"), CLASS=ck.CKO_SECRET_KEY,
                            KEY_TYPE=ck.CKK_AES, ENCRYPT=True)
        wanted = openssl(data, "enc", "-aes-256-ctr", "-K", value.hex(), "-iv", iv.hex())
        check(f"{name} unwraps", token.transform("Encrypt", ck.ctr(iv), made, data) == wanted)
    # Java's default, and what SoftHSM lacks. It passes over a label when it decrypts; the driver does not.
    for digest, mgf, label in (("SHA256", "SHA_1", b""), ("SHA256", "SHA256", b""), ("SHA_1", "SHA_1", b"label")):
        how = ck.oaep(digest, mgf, label)
        what, code = f"OAEP {digest} {mgf} {label.decode()}", "MECHANISM_PARAM_INVALID"
        refused(f"{what} encrypts", code, token.transform, "Encrypt", how, public, data)
        refused(f"{what} decrypts", "ENCRYPTED_DATA_INVALID" if label else code, token.transform,
                "Decrypt", how, hidden, encrypted)
        refused(f"{what} wraps", code, token.wrap, how, public, target)
        refused(f"{what} unwraps", code, unwrap, token, how, hidden, wrapped)


def unwrap(token, how, key, wrapped):
    token.unwrap(how, key, wrapped, CLASS=ck.CKO_SECRET_KEY, KEY_TYPE=ck.CKK_AES)


def main(functions, directory):
    with open(functions, encoding="ascii") as file:
        names = re.findall(r"^FUNCTION(?:_OF_EACH)?\((C_\w+)\)$", file.read(), re.MULTILINE)
    pin = os.environ.get("SIGNERD_PIN")
    token = ck.Token(os.environ["SIGNERD_MODULE"], names, os.environ["SIGNERD_TOKEN"].encode(),
                     pin.encode() if pin else None)
    counter(token)
    mac(token, "AES_CMAC", ck.CKK_AES, ("-cipher", "AES-256-CBC", "CMAC"))
    for bits in ("256", "384", "512"):
        mac(token, f"SHA{bits}_HMAC", ck.CKK_GENERIC_SECRET, ("-digest", "SHA" + bits, "HMAC"))
    for name in WRAP_IV:
        wrapping(token, name)
    rsa(token, os.path.join(directory, "openssl_check.pem"))
    return failed


sys.exit(main(*sys.argv[1:]))
