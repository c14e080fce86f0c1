"""Makes vectors.json from docs/games/roulette.md "Fairness", with nothing of ours.

    python3 vectors.py > vectors.json
"""

import hashlib
import hmac
import json
import struct

LIMIT = 2**32 - 2**32 % 37


def words(seed, label, block):
    mac = hmac.new(seed, f"{label}:{block}".encode("ascii"), hashlib.sha256).digest()
    return list(struct.unpack(">8I", mac))


def vector(seed, round_number):
    label = f"pitboss.roulette.v1:{round_number}"
    two_blocks = words(seed, label, 0) + words(seed, label, 1)
    rejected = next(i for i, w in enumerate(two_blocks) if w < LIMIT)
    return {
        "seed": seed.hex(),
        "commitment": hashlib.sha256(seed).hexdigest(),
        "round": round_number,
        "label": label,
        "words": two_blocks,
        "rejected": rejected,
        "pocket": two_blocks[rejected] % 37,
    }


def named(text):
    return hashlib.sha256(text.encode("ascii")).digest()


vectors = [vector(bytes(32), 1), vector(b"\xff" * 32, 1), vector(bytes(range(32)), 17)]
vectors += [vector(named(f"pitboss vectors: {n}"), n) for n in range(1, 15)]
vectors += [vector(named("pitboss vectors: far"), n) for n in (10**6, 2**31, 2**53 - 1)]
# Found by a search over rounds: their first word is not below LIMIT.
vectors += [vector(named("pitboss vectors: rejection"), n) for n in (1096976557, 1977712125)]
print("[\n" + ",\n".join(json.dumps(v) for v in vectors) + "\n]")
