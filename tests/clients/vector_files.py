# SPDX-License-Identifier: MIT
"""Files of test vectors, as Debian's python3-cryptography-vectors and Wycheproof have them."""
import json
import re


def groups(path):
    """Of a NIST response file: (what stands in the last brackets, {name: text}) for each group of
    lines NAME = VALUE. Brackets of NAME = VALUE are collected until others of that name come."""
    section, values = {}, {}
    with open(path, encoding="latin-1") as lines:
        for line in list(lines) + ["\n"]:
            line = line.strip()
            bracket = re.fullmatch(r"\[(.*)\]", line)
            if (not line or bracket) and values:
                yield dict(section), values
                values = {}
            if bracket:
                name, _, value = bracket[1].partition("=")
                section[name.strip() if value else "title"] = value.strip() or bracket[1]
            elif line in ("FAIL", "FAIL\n"):
                values["FAIL"] = True
            elif "=" in line and not line.startswith("#"):
                name, _, value = line.partition("=")
                values[name.strip()] = value.strip()


def hex_of(text):
    text = text.replace(" ", "")
    return bytes.fromhex(text if len(text) % 2 == 0 else "0" + text)


def examples(path):
    """Of an RSA example file: (values of the key so far, {title: bytes}) for each example that has
    all of its own values. A title is a line "# Name:"; the same title later counts."""
    key, own, name = {}, {}, None
    last = {"Signature", "Encryption"}
    parts = {"Message to be signed", "Message", "Salt", "Seed"} | last
    with open(path, encoding="latin-1") as lines:
        for line in lines:
            line = line.strip()
            title = re.fullmatch(r"# ([A-Z][A-Za-z0-9 ]*):", line)
            if line.startswith("#") or not line:
                if name in last and name in own:
                    yield dict(key), own
                    own, name = {}, None
                if line:
                    name = title[1] if title else None
                if title and name in parts:
                    own[name] = b""
                elif title:
                    key[name] = b""
            elif name in own:
                own[name] += hex_of(line)
            elif name:
                key[name] += hex_of(line)
    if name in last and name in own:
        yield dict(key), own


def wycheproof(path):
    """(group, test) for each test; the group without its tests."""
    with open(path, encoding="utf-8") as file:
        for group in json.load(file)["testGroups"]:
            for test in group["tests"]:
                yield group, test


# ---- just enough of DER, and no more: what is not exactly DER is None ----

def der(data):
    """(tag, content, rest)"""
    if len(data) < 2:
        return None
    length, at = data[1], 2
    if length >= 0x80:
        count = length & 0x7F
        if count not in (1, 2) or len(data) < 2 + count or data[2] == 0:
            return None
        length, at = int.from_bytes(data[2:2 + count], "big"), 2 + count
        if length < 0x80 or (count == 2 and length < 0x100):
            return None
    if len(data) < at + length:
        return None
    return data[0], data[at:at + length], data[at + length:]


def raw_signature(data, size):
    """r and s of an ECDSA signature in DER, as PKCS#11 has them; None where it is no DER of two
    numbers."""
    whole = der(data)
    if whole is None or whole[0] != 0x30 or whole[2]:
        return None
    numbers, rest = [], whole[1]
    while rest:
        one = der(rest)
        if one is None or one[0] != 2 or not one[1]:
            return None
        if len(one[1]) > 1 and one[1][0] == 0 and one[1][1] < 0x80:
            return None  # more bytes than it needs
        if one[1][0] >= 0x80:
            return None  # a negative number has no place in r||s
        numbers.append(one[1].lstrip(b"\0"))
        rest = one[2]
    if len(numbers) != 2:
        return None
    size = max(size, len(numbers[0]), len(numbers[1]))
    return numbers[0].rjust(size, b"\0") + numbers[1].rjust(size, b"\0")
