# SPDX-License-Identifier: MIT
"""Cryptoki for the tests of known answers: the C functions as they are, by ctypes, with each call's
code. Nothing is asked twice and no size is queried first, so that many vectors take little time."""
import ctypes
import struct

ULONG = ctypes.c_ulong
BYTES = ctypes.c_void_p

# The function list (2.40, 4.6): names in its order are read from functions.def.
OK = 0
UNAVAILABLE = 2 ** (8 * ctypes.sizeof(ctypes.c_ulong)) - 1
CKO_PUBLIC_KEY, CKO_PRIVATE_KEY, CKO_SECRET_KEY = 2, 3, 4
CKK_RSA, CKK_EC, CKK_GENERIC_SECRET, CKK_AES = 0, 3, 0x10, 0x1F
CKA = {"CLASS": 0, "TOKEN": 1, "PRIVATE": 2, "LABEL": 3, "VALUE": 0x11, "KEY_TYPE": 0x100,
       "SENSITIVE": 0x103, "ENCRYPT": 0x104, "DECRYPT": 0x105, "WRAP": 0x106, "UNWRAP": 0x107,
       "SIGN": 0x108, "VERIFY": 0x10A, "DERIVE": 0x10C, "MODULUS": 0x120, "PUBLIC_EXPONENT": 0x122,
       "PRIVATE_EXPONENT": 0x123, "PRIME_1": 0x124, "PRIME_2": 0x125, "EXPONENT_1": 0x126,
       "EXPONENT_2": 0x127, "COEFFICIENT": 0x128, "VALUE_LEN": 0x161, "EXTRACTABLE": 0x162,
       "EC_PARAMS": 0x180, "EC_POINT": 0x181}
CKM = {"RSA_PKCS": 1, "RSA_PKCS_OAEP": 9, "RSA_PKCS_PSS": 0xD, "SHA1_RSA_PKCS": 6, "SHA1_RSA_PKCS_PSS": 0xE, "ECDSA_SHA1": 0x1042, "SHA224_RSA_PKCS": 0x46,
       "SHA256_RSA_PKCS": 0x40, "SHA384_RSA_PKCS": 0x41, "SHA512_RSA_PKCS": 0x42,
       "SHA224_RSA_PKCS_PSS": 0x47, "SHA256_RSA_PKCS_PSS": 0x43, "SHA384_RSA_PKCS_PSS": 0x44,
       "SHA512_RSA_PKCS_PSS": 0x45, "SHA_1": 0x220, "SHA224": 0x255, "SHA256": 0x250,
       "SHA384": 0x260, "SHA512": 0x270, "SHA256_HMAC": 0x251, "SHA384_HMAC": 0x261,
       "SHA512_HMAC": 0x271, "SHA256_HMAC_GENERAL": 0x252, "SHA384_HMAC_GENERAL": 0x262,
       "SHA512_HMAC_GENERAL": 0x272, "ECDSA": 0x1041, "ECDSA_SHA224": 0x1043,
       "ECDSA_SHA256": 0x1044, "ECDSA_SHA384": 0x1045, "ECDSA_SHA512": 0x1046,
       "ECDH1_DERIVE": 0x1050, "AES_ECB": 0x1081, "AES_CBC": 0x1082, "AES_CBC_PAD": 0x1085,
       "AES_CTR": 0x1086, "AES_GCM": 0x1087, "AES_CMAC": 0x108A, "AES_CMAC_GENERAL": 0x108B,
       "AES_KEY_WRAP": 0x2109, "AES_KEY_WRAP_PAD": 0x210A}
MGF = {"SHA_1": 1, "SHA224": 5, "SHA256": 2, "SHA384": 3, "SHA512": 4}
CKR = {"OK": 0, "GENERAL_ERROR": 5, "ARGUMENTS_BAD": 7, "ATTRIBUTE_VALUE_INVALID": 0x13,
       "DATA_INVALID": 0x20, "DATA_LEN_RANGE": 0x21, "ENCRYPTED_DATA_INVALID": 0x40,
       "ENCRYPTED_DATA_LEN_RANGE": 0x41, "KEY_SIZE_RANGE": 0x62, "MECHANISM_INVALID": 0x70,
       "MECHANISM_PARAM_INVALID": 0x71, "SIGNATURE_INVALID": 0xC0, "SIGNATURE_LEN_RANGE": 0xC1,
       "TEMPLATE_INCONSISTENT": 0xD1, "WRAPPED_KEY_INVALID": 0x110, "WRAPPED_KEY_LEN_RANGE": 0x112,
       "DOMAIN_PARAMS_INVALID": 0x130, "PUBLIC_KEY_INVALID": 0x1C4}
NAMES = {number: name for name, number in CKR.items()}


class Attribute(ctypes.Structure):
    _fields_ = [("type", ULONG), ("value", BYTES), ("len", ULONG)]


class Mechanism(ctypes.Structure):
    _fields_ = [("mechanism", ULONG), ("parameter", BYTES), ("len", ULONG)]


class Refused(Exception):
    """A call that did not return CKR_OK."""

    def __init__(self, function, rv):
        super().__init__(f"{function}: {NAMES.get(rv, hex(rv))}")
        self.rv = rv


def address(data):
    """Of bytes that the caller keeps."""
    return ctypes.cast(ctypes.c_char_p(data), BYTES).value if data else None


class How:
    """A mechanism with its parameter. keep: what the parameter points to."""

    def __init__(self, name, parameter=b"", keep=()):
        self.keep = (parameter, keep)
        self.mechanism = Mechanism(CKM[name], address(parameter), len(parameter))
        self.ref = ctypes.byref(self.mechanism)


def gcm(iv, aad, tag_bits):
    return How("AES_GCM", struct.pack("@PLLPLL", address(iv) or 0, len(iv), 8 * len(iv),
                                      address(aad) or 0, len(aad), tag_bits), (iv, aad))


def ctr(block):
    return How("AES_CTR", struct.pack("@L16s", 128, block))


def ecdh(point):
    return How("ECDH1_DERIVE", struct.pack("@LLPLP", 1, 0, 0, len(point), address(point) or 0), (point,))


def general(name, length):
    return How(name, struct.pack("@L", length))


def pss(name, digest, salt_len):
    return How(name, struct.pack("@LLL", CKM[digest], MGF[digest], salt_len))


def oaep(digest, mgf, label=b""):
    return How("RSA_PKCS_OAEP", struct.pack("@LLLPL", CKM[digest], MGF[mgf], 1, address(label) or 0,
                                            len(label)), (label,))


def template(values):
    """{name: bytes, bool or number} as attributes; returns (array, count, what it points to)."""
    kept = []
    array = (Attribute * len(values))()
    for place, (name, value) in zip(array, values.items()):
        if isinstance(value, bool):
            value = bytes([value])
        elif isinstance(value, int):
            value = struct.pack("@L", value)
        kept.append(value)
        place.type, place.value, place.len = CKA[name], address(value), len(value)
    return array, len(values), kept


class Token:
    """One read/write session on the token of that label, logged in where there is a PIN."""

    def __init__(self, module, functions, label, pin):
        self.library = ctypes.CDLL(module)
        pointer = ctypes.c_void_p()
        if self.library.C_GetFunctionList(ctypes.byref(pointer)) != OK:
            raise SystemExit(f"{module} is no Cryptoki module")
        # CK_VERSION, padded to the size of a pointer, comes first.
        table = ctypes.cast(pointer, ctypes.POINTER(ctypes.c_void_p))
        prototype = ctypes.CFUNCTYPE(ULONG)
        self.functions = {name: prototype(table[1 + i]) for i, name in enumerate(functions)}
        self.output = ctypes.create_string_buffer(70000)
        self.call("C_Initialize", None)
        self.handle = self.open(label)
        if pin is not None:
            self.call("C_Login", self.handle, ULONG(1), pin, ULONG(len(pin)))

    def code(self, name, *arguments):
        return self.functions[name](*arguments)

    def call(self, name, *arguments):
        rv = self.functions[name](*arguments)
        if rv != OK:
            raise Refused(name, rv)

    def open(self, label):
        slots, count = (ULONG * 64)(), ULONG(64)
        self.call("C_GetSlotList", ctypes.c_ubyte(1), slots, ctypes.byref(count))
        info = ctypes.create_string_buffer(256)
        for slot in slots[:count.value]:
            self.call("C_GetTokenInfo", ULONG(slot), info)
            if info.raw[:32].rstrip() == label:
                handle = ULONG()
                self.call("C_OpenSession", ULONG(slot), ULONG(6), None, None, ctypes.byref(handle))
                self.slot = slot
                return handle
        raise SystemExit(f"there is no token {label.decode()}")

    def mechanisms(self):
        found, count = (ULONG * 256)(), ULONG(256)
        self.call("C_GetMechanismList", ULONG(self.slot), found, ctypes.byref(count))
        return set(found[:count.value])

    def sessions(self):
        info = ctypes.create_string_buffer(256)
        self.call("C_GetTokenInfo", ULONG(self.slot), info)
        return struct.unpack_from("@L", info.raw, 112) + struct.unpack_from("@L", info.raw, 128)

    def create(self, **values):
        array, count, _kept = template(dict(values, TOKEN=False, PRIVATE=False, LABEL=b"vector"))
        made = ULONG()
        self.call("C_CreateObject", self.handle, array, ULONG(count), ctypes.byref(made))
        return made

    def destroy(self, key):
        self.call("C_DestroyObject", self.handle, key)

    def transform(self, function, how, key, data):
        """Encrypt, Decrypt, Sign, Digest of data at once."""
        if key is None:
            self.call(f"C_{function}Init", self.handle, how.ref)
        else:
            self.call(f"C_{function}Init", self.handle, how.ref, key)
        length = ULONG(len(self.output))
        self.call(f"C_{function}", self.handle, data, ULONG(len(data)), self.output,
                  ctypes.byref(length))
        return self.output.raw[:length.value]

    def verify(self, how, key, data, signature):
        self.call("C_VerifyInit", self.handle, how.ref, key)
        self.call("C_Verify", self.handle, data, ULONG(len(data)), signature, ULONG(len(signature)))

    def wrap(self, how, key, target):
        length = ULONG(len(self.output))
        self.call("C_WrapKey", self.handle, how.ref, key, target, self.output, ctypes.byref(length))
        return self.output.raw[:length.value]

    def unwrap(self, how, key, wrapped, **values):
        array, count, _kept = template(dict(values, TOKEN=False, PRIVATE=False, LABEL=b"vector"))
        made = ULONG()
        self.call("C_UnwrapKey", self.handle, how.ref, key, wrapped, ULONG(len(wrapped)), array,
                  ULONG(count), ctypes.byref(made))
        return made

    def derive(self, how, key, **values):
        array, count, _kept = template(dict(values, TOKEN=False, PRIVATE=False, LABEL=b"vector"))
        made = ULONG()
        self.call("C_DeriveKey", self.handle, how.ref, key, array, ULONG(count), ctypes.byref(made))
        return made

    def value(self, key):
        asked = Attribute(CKA["VALUE"], ctypes.cast(self.output, BYTES), len(self.output))
        self.call("C_GetAttributeValue", self.handle, key, ctypes.byref(asked), ULONG(1))
        return self.output.raw[:asked.len]
