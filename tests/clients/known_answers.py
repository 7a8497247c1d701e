#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Known answers through PyKCS11, a client that we did not write: keys of known values are imported
into $SIGNERD_TOKEN by $SIGNERD_MODULE, and what comes out is compared with the published vectors.
Prints one line for each; the exit status is 1 where one differs."""
import os
import sys

import PyKCS11
from PyKCS11 import LowLevel as ck

failed = False


def check(name, got, wanted):
    global failed
    right = bytes(got) == bytes(wanted)
    failed = failed or not right
    print(name, "ok" if right else f"differs: {bytes(got).hex()}")


def open_session():
    lib = PyKCS11.PyKCS11Lib()
    lib.load(os.environ["SIGNERD_MODULE"])
    for slot in lib.getSlotList(tokenPresent=True):
        if lib.getTokenInfo(slot).label.strip() == os.environ["SIGNERD_TOKEN"]:
            session = lib.openSession(slot, ck.CKF_SERIAL_SESSION | ck.CKF_RW_SESSION)
            if "SIGNERD_PIN" in os.environ:
                session.login(os.environ["SIGNERD_PIN"])
            return lib, session
    sys.exit("no such token")


def template(key_type):
    uses = (ck.CKA_ENCRYPT, ck.CKA_DECRYPT, ck.CKA_SIGN, ck.CKA_VERIFY, ck.CKA_WRAP, ck.CKA_UNWRAP)
    return [(ck.CKA_CLASS, ck.CKO_SECRET_KEY), (ck.CKA_KEY_TYPE, key_type),
            (ck.CKA_TOKEN, ck.CK_FALSE), (ck.CKA_EXTRACTABLE, ck.CK_TRUE)] + [
                (use, ck.CK_TRUE) for use in uses]


def import_key(session, key_type, value):
    return session.createObject(template(key_type) + [(ck.CKA_VALUE, value)])


def gcm(session):
    """McGrew and Viega, The Galois/Counter Mode of Operation, test case 16"""
    key = import_key(session, ck.CKK_AES, bytes.fromhex("feffe9928665731c6d6a8f9467308308") * 2)
    plain = bytes.fromhex(
        "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
        "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39")
    wanted = bytes.fromhex(
        "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
        "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662"
        "76fc6ece0f4e1768cddf8853bb2d551b")
    how = PyKCS11.AES_GCM_Mechanism(bytes.fromhex("cafebabefacedbaddecaf888"), bytes.fromhex(
        "feedfacedeadbeeffeedfacedeadbeefabaddad2"), 128)
    check("AES-GCM encrypt", session.encrypt(key, plain, how), wanted)
    check("AES-GCM decrypt", session.decrypt(key, wanted, how), plain)
    try:
        session.decrypt(key, wanted[:-1] + bytes([wanted[-1] ^ 1]), how)
        check("AES-GCM changed", b"decrypted", b"")
    except PyKCS11.PyKCS11Error as error:
        check("AES-GCM changed", bytes([error.value]), bytes([ck.CKR_ENCRYPTED_DATA_INVALID]))


def cbc(session):
    """NIST SP 800-38A, F.2.5: the padding adds a block"""
    key = import_key(session, ck.CKK_AES, bytes.fromhex(
        "603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4"))
    plain = bytes.fromhex("6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51")
    wanted = bytes.fromhex("f58c4c04d6e5f1ba779eabfb5f7bfbd69cfc4e967edb808d679f777bc6702c7d")
    how = PyKCS11.Mechanism(ck.CKM_AES_CBC_PAD, bytes(range(16)))
    encrypted = bytes(session.encrypt(key, plain, how))
    check("AES-CBC-PAD encrypt", encrypted[:32], wanted)
    check("AES-CBC-PAD decrypt", session.decrypt(key, encrypted, how), plain)


def key_wrap(session):
    """RFC 3394, 4.6"""
    how = PyKCS11.Mechanism(ck.CKM_AES_KEY_WRAP, None)
    key = import_key(session, ck.CKK_AES, bytes(range(32)))
    target = import_key(session, ck.CKK_AES, bytes.fromhex(
        "00112233445566778899aabbccddeeff000102030405060708090a0b0c0d0e0f"))
    wanted = bytes.fromhex(
        "28c9f404c4b810f4cbccb35cfb87f8263f5786e2d80ed326cbc7f0e71a99f43bfb988b9b7a02dd21")
    check("AES-KEY-WRAP wrap", session.wrapKey(key, target, how), wanted)
    unwrapped = session.unwrapKey(key, wanted, template(ck.CKK_AES), how)
    check("AES-KEY-WRAP unwrap", session.wrapKey(key, unwrapped, how), wanted)


def hmac(session):
    """RFC 4231, test case 6"""
    key = import_key(session, ck.CKK_GENERIC_SECRET, b"\xaa" * 131)
    text = b"Test Using Larger Than Block-Size Key - Hash Key First"
    wanted = bytes.fromhex("60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54")
    how = PyKCS11.Mechanism(ck.CKM_SHA256_HMAC, None)
    check("HMAC sign", session.sign(key, text, how), wanted)
    check("HMAC verify", bytes([session.verify(key, text, wanted, how)]), bytes([True]))


_lib, the_session = open_session()
for vectors in (gcm, cbc, key_wrap, hmac):
    vectors(the_session)
the_session.closeSession()
sys.exit(failed)
