"""Takes out the tokens and keys of common services, which are known by their prefixes. Pure.

A token is looked at once, from its prefix to its end, so a text costs no more than its length.
"""

import re
from collections.abc import Iterable

# How it begins, and how many characters follow at least. Letters mind their case.
_PREFIXES: dict[int, tuple[str, ...]] = {
    8: ("sk_live_", "sk_test_", "rk_live_", "rk_test_", "pk_live_", "pk_test_", "xoxb-", "xoxp-", "xoxa-", "xoxr-",
        "xoxs-", "xoxe-", "xoxe.xoxp-", "xapp-", "whsec_", "sk-ant-", "sk-proj-", "sk-svcacct-", "sk-or-", "glpat-",
        "glptt-", "gldt-", "glrt-", "glcbt-", "glft-", "glsoat-", "glimt-", "glagent-", "gloas-"),
    16: ("ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "npm_", "pypi-", "rubygems_", "dop_v1_", "doo_v1_",
         "dor_v1_", "shpat_", "shpca_", "shppa_", "shpss_", "hf_", "api_org_", "dapi", "lin_api_", "ntn_", "figd_",
         "PMAK-", "sntrys_", "sntryu_", "NRAK-", "NRJS-", "glsa_", "glc_", "pscale_tkn_", "pscale_pw_", "fo1_", "hvs.",
         "hvb.", "hvr.", "dp.st.", "dp.pt.", "dp.ct.", "sbp_", "sb_secret_", "gsk_", "pplx-", "r8_", "xai-", "lsv2_pt_",
         "lsv2_sk_", "pcsk_", "duffel_", "EZAK", "EZTK", "CFPAT-", "rdme_", "tfp_", "ops_ey", "HRKU-", "pnu_", "pul-",
         "xkeysib-", "shippo_live_", "shippo_test_", "nfp_", "rnd_", "bkua_", "CCIPAT_", "sgp_", "tskey-", "CLOJARS_",
         "LTAI", "AKIA", "ASIA", "ABIA", "ACCA", "GOCSPX-", "sq0atp-", "sq0csp-", "EAAA", "ATATT3", "ATCTT3", "ATBB",
         "dckr_pat_", "dckr_oat_", "eyJhbGciOi", "AGE-SECRET-KEY-", "cio", "oy2", "ATTA", "vcp_", "frp_", "aio_",
         "secret_", "EAACEdEose0cBA", "patv1_", "sl.u.", "SWMTKN-1-", "gqa_", "sk-"),
    24: ("AIza", "ya29.", "1//0", "SG.", "key-", "re_"),
}  # fmt: skip
# What follows must have this form, where the beginning alone is a word too, or could be part of one.
_STRICTER = {
    "dapi": r"[0-9a-f]{32}", "EZAK": r"[A-Za-z0-9]{40}", "EZTK": r"[A-Za-z0-9]{40}", "LTAI": r"[A-Za-z0-9]{12,26}\b",
    "AKIA": r"[A-Z2-7]{16}\b", "ASIA": r"[A-Z2-7]{16}\b", "ABIA": r"[A-Z2-7]{16}\b", "ACCA": r"[A-Z2-7]{16}\b",
    "EAAA": r"[\w-]{56,}", "ATBB": r"[A-Za-z0-9]{28,}", "ATTA": r"[0-9a-f]{64}", "cio": r"[A-Za-z0-9]{32}\b",
    "oy2": r"[a-z0-9]{43}\b", "SG.": r"[\w-]{16,}\.[\w-]{16,}", "key-": r"[0-9a-f]{32}\b", "re_": r"\w{8}_\w{20,}",
    "hf_": r"[A-Za-z]{30,}", "sk-": r"(?=[\w-]{0,40}\d)[\w-]{16,}", "pul-": r"[0-9a-f]{40}",
    "rnd_": r"[A-Za-z0-9]{24,}",
    "npm_": r"[A-Za-z0-9]{30,}", "pypi-": r"A[\w-]{50,}", "aio_": r"[A-Za-z0-9]{28}", "r8_": r"[A-Za-z0-9]{30,}",
    "secret_": r"[A-Za-z0-9]{40,}", "xai-": r"[A-Za-z0-9]{40,}", "gqa_": r"[0-9a-f]{40}", "1//0": r"[\w-]{30,}",
}  # fmt: skip


def _pattern(prefix: str, least: int) -> str:
    return re.escape(prefix) + (_STRICTER.get(prefix) or rf"[\w.-]{{{least},}}")


def _alternatives(prefixes: Iterable[tuple[str, int]]) -> str:
    """One pattern for all, told apart by their first letters."""
    by_letter: dict[str, list[str]] = {}
    for prefix, least in sorted(prefixes, key=lambda one: -len(one[0])):
        by_letter.setdefault(prefix[0], []).append(_pattern(prefix, least))
    return "|".join(f"(?={re.escape(letter)})(?:{'|'.join(several)})" for letter, several in by_letter.items())


_WITH_LEAST = [(prefix, least) for least, prefixes in _PREFIXES.items() for prefix in prefixes]
_TOKEN = re.compile(r"[\w./-]{16,}+")
_KNOWN = re.compile(rf"(?:\A|(?<=[^A-Za-z0-9]))(?:{_alternatives(_WITH_LEAST)})")


def without_known_tokens(text: str, instead: str) -> str:
    """The text with the tokens of common services replaced."""
    return _TOKEN.sub(lambda found: _KNOWN.sub(instead, found[0]), text)
