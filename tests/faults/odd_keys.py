"""Object keys with every class of code point: S3 takes any Unicode text of at most 1,024 bytes."""

from collections.abc import Mapping

ODD_KEYS: Mapping[str, str] = {
    # XML 1.0 has no way to write these, so that a DeleteObjects request cannot name them ("2.2 Characters").
    "control": "a\x01b\x1f.jpg",
    "noncharacter": "a\ufffe\uffff.jpg",
    "delete-and-c1": "a\x7f\x80\x85\x9f.jpg",
    "line-breaks": "a\rb\r\nc\nd\te\u2028f.jpg",  # a parser of XML may change them ("2.11 End-of-Line Handling")
    "spaces-at-the-ends": " a\u00a0.jpg ",
    "markup": "a&b<c>\"d'&amp;]]>.jpg",
    "encoded": "a+b%2Fc%zz ?d=e#f.jpg",
    "around-surrogates": "a\ud7ff\ue000.jpg",
    "outside-the-first-plane": "👩\u200d🚀\U0010ffff.jpg",
    "combining": "e\u0301\u202e\u0958.jpg",  # neither composed nor put into another order
    "backslash": "..\\a\\.jpg",
    "slashes": "a//b/./c",
    "folder": "a/b/",
}
