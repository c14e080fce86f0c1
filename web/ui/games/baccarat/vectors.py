#!/usr/bin/env python3
"""Writes vectors.json: whole shoes, dealt from docs/games/baccarat.md by code that shares nothing with the pages or the server.

Cards are numbers here, and a hand is a generator that asks for the next one. Run: python3 vectors.py > vectors.json
"""
import hashlib
import hmac
import json

RANKS = "A23456789TJQK"
SUITS = "cdhs"
# What banker draws on, by its points and by what player's third card counts.
BANKER = {3: "012345679", 4: "234567", 5: "4567", 6: "67", 7: ""}


def values(seed, first):
    """Draws values: send n, and get one below n."""
    key, block, words = bytes.fromhex(seed), 0, []
    n = yield None
    while True:
        if not words:
            mac = hmac.new(key, b"pitboss.baccarat.v1:%d:%d" % (first, block), hashlib.sha256).digest()
            words = [int.from_bytes(mac[i : i + 4], "big") for i in range(0, 32, 4)]
            block += 1
        word = words.pop(0)
        if word // n < 2**32 // n:
            n = yield word % n


def name(card):
    return RANKS[card % 13] + SUITS[card // 13 % 4]


def count(card):
    return [1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 0, 0, 0][card % 13]


def deal_hand(draw):
    p, b = [draw()], [draw()]
    p.append(draw())
    b.append(draw())
    points = lambda hand: sum(map(count, hand)) % 10
    if max(points(p), points(b)) < 8:
        if points(p) < 6:
            p.append(draw())
            if points(b) < 3 or str(count(p[2])) in BANKER[points(b)]:
                b.append(draw())
        elif points(b) < 6:
            b.append(draw())
    return p, b, points(p), points(b)


def shoe(seed, first):
    below = values(seed, first)
    next(below)
    cards = list(range(416))
    for i in reversed(range(1, 416)):
        j = below.send(i + 1)
        cards[i], cards[j] = cards[j], cards[i]
    cut = 416 - 14 - below.send(3)
    burn = count(cards[0]) or 10
    at = 1 + burn
    hands, left = [], None
    while left != 0:
        if left is None and at >= cut:
            left = 1
        start = at

        def draw():
            nonlocal at
            at += 1
            return cards[at - 1]

        p, b, pp, bp = deal_hand(draw)
        if left is not None:
            left -= 1
        elif start < cut < at:
            left = 1
        winner = "tie" if pp == bp else "player" if pp > bp else "banker"
        hands.append(f"{' '.join(map(name, p))} / {' '.join(map(name, b))} / {pp}-{bp} {winner}")
    return {
        "seed": seed,
        "first": first,
        "commitment": hashlib.sha256(bytes.fromhex(seed)).hexdigest(),
        "cards": hashlib.sha256(" ".join(map(name, cards)).encode()).hexdigest(),
        "cut": cut,
        "burned": {"card": name(cards[0]), "count": burn},
        "hands": hands,
    }


def main():
    seeds = ["%02x" % i * 32 for i in (0x00, 0x11, 0xFF)]
    seeds += [hashlib.sha256(b"shoe %d" % i).hexdigest() for i in range(3)]  # in the second, the cut card lies before a hand
    print(json.dumps([shoe(seed, first) for seed, first in zip(seeds, [1, 7, 81, 1000, 1, 4294967297])], indent=1))


if __name__ == "__main__":
    main()
