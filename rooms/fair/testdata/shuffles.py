"""Makes shuffles.json from what the comments of Stream, Intn and Shuffle say, with nothing of ours.

    python3 shuffles.py > shuffles.json
"""

import hashlib
import hmac
import json
import struct


class Words:
    """The words of a seed and a label, with a count of those taken and of those thrown away."""

    def __init__(self, seed, label):
        self.seed, self.label, self.block, self.words = seed, label, 0, []
        self.taken = self.rejected = 0

    def next(self):
        if not self.words:
            message = f"{self.label}:{self.block}".encode("ascii")
            self.words = list(struct.unpack(">8I", hmac.new(self.seed, message, hashlib.sha256).digest()))
            self.block += 1
        self.taken += 1
        return self.words.pop(0)

    def below(self, n):
        limit = 2**32 - 2**32 % n
        while True:
            word = self.next()
            if word < limit:
                return word % n
            self.rejected += 1


def vector(seed, label, n):
    words, order = Words(seed, label), list(range(n))
    for i in range(n - 1, 0, -1):
        j = words.below(i + 1)
        order[i], order[j] = order[j], order[i]
    return {
        "seed": seed.hex(),
        "label": label,
        "order": order,
        "taken": words.taken,
        "rejected": words.rejected,
        "next": words.next(),
    }


def named(text):
    return hashlib.sha256(text.encode("ascii")).digest()


def rejecting(seed, n, how_many):
    """The first labels of which some word must be thrown away while n elements are shuffled."""
    k = 0
    while how_many:
        k += 1
        label = f"pitboss.test.v1:{k}"
        # No word this low is ever rejected, so that most labels need no shuffle.
        blocks = (hmac.digest(seed, f"{label}:{b}".encode("ascii"), "sha256") for b in range((n + 7) // 8))
        if max(w for b in blocks for w in struct.unpack(">8I", b)) < 2**32 - n:
            continue
        v = vector(seed, label, n)
        if v["rejected"]:
            how_many -= 1
            yield v


vectors = [vector(bytes(32), "pitboss.test.v1:1", n) for n in (0, 1, 2, 3, 52)]
vectors += [vector(b"\xff" * 32, "pitboss.test.v1:1", 416), vector(bytes(range(32)), "pitboss.test.v1:17", 416)]
vectors += [vector(named("pitboss shuffles: far"), f"pitboss.test.v1:{n}", 52) for n in (10**6, 2**31, 2**53 - 1)]
vectors += rejecting(named("pitboss shuffles: rejection"), 52, 1)
vectors += rejecting(named("pitboss shuffles: rejection"), 416, 3)
print("[\n" + ",\n".join(json.dumps(v) for v in vectors) + "\n]")
