"""The judge of durability: what was sent, acknowledged, archived and received, held against the promise.

Knows nothing of clients or servers; kill9.py makes the history. Its own test (self_test) damages a good history
in every way it must notice.
"""


class History:
    def __init__(self):
        self.sent = {}		# id -> (sender, number, recipient)
        self.acked = set()	# ids whose <a h/> has come
        self.refused = set()	# ids answered with an error
        self.archive = {}	# account -> [(archive id, id, body)] in archive order
        self.received = {}	# account -> [(id, stanza-id)] in order of arrival

    def body(self, id):
        sender, number, recipient = self.sent[id]
        return f"{sender} {number} {recipient}"


def judge(h):
    """The violations, as sentences; an empty list when the promise was kept."""
    bad = []
    kept = {}
    for account, rows in h.archive.items():
        seen_rows, seen, last = {}, {}, {}
        for row, id, body in rows:
            if row in seen_rows:
                bad.append(f"archive of {account}: the id {row} is used twice")
            seen_rows[row] = id
            if id not in h.sent:
                bad.append(f"archive of {account}: {id} was never sent")
                continue
            if id in seen:
                bad.append(f"archive of {account}: {id} is there twice, as {seen[id]} and {row}")
                continue
            seen[id] = row
            sender, number, recipient = h.sent[id]
            if account not in (sender, recipient):
                bad.append(f"archive of {account}: {id} from {sender} to {recipient} is none of its business")
            if body != h.body(id):
                bad.append(f"archive of {account}: {id} has the body {body!r}")
            if number < last.get(sender, -1):
                bad.append(f"archive of {account}: {id} stands behind a later message of {sender}")
            last[sender] = max(number, last.get(sender, -1))
        kept[account] = seen
    for id in sorted(h.acked - h.refused):
        sender, _, recipient = h.sent[id]
        for account in (sender, recipient):
            if account in kept and id not in kept[account]:
                bad.append(f"{id} was acknowledged and is missing from the archive of {account}")
    for account, got in h.received.items():
        first, last = {}, {}
        for id, stanza_id in got:
            if id not in h.sent:
                bad.append(f"{account} received {id}, which was never sent")
                continue
            sender, number, recipient = h.sent[id]
            if recipient != account:
                bad.append(f"{account} received {id}, which is for {recipient}")
            if id in first:
                if first[id] != stanza_id:
                    bad.append(f"{account} received {id} twice, under different ids")
                continue
            first[id] = stanza_id
            if number < last.get(sender, -1):
                bad.append(f"{account} received {id} after a later message of {sender}")
            last[sender] = max(number, last.get(sender, -1))
            if account in kept and kept[account].get(id, stanza_id) != stanza_id:
                bad.append(f"{account} received {id} as {stanza_id}, the archive has it as {kept[account][id]}")
        for id in sorted(h.acked - h.refused):
            if h.sent[id][2] == account and id not in first:
                bad.append(f"{id} was acknowledged and never arrived at {account}")
    return bad


def good_history():
    h = History()
    people = ("a", "b", "c")
    for p in people:
        h.archive[p], h.received[p] = [], []
    for n in range(30):
        s, r = people[n % 3], people[(n + 1 + n // 7 % 2) % 3]
        id = f"m-{s}-{n}"
        h.sent[id] = (s, n, r)
        h.acked.add(id)
        for p in (s, r):
            h.archive[p].append((f"{p}-{n:03}", id, h.body(id)))
        h.received[r].append((id, f"{r}-{n:03}"))
    return h


def self_test():
    """Every damage is noticed; yields (name, noticed)."""
    yield "a good history passes", judge(good_history()) == []

    def damage(name, change):
        h = good_history()
        change(h)
        return name, bool(judge(h))

    def swap(rows):
        # two rows of one sender
        def change(h):
            r = rows(h)
            by = {}
            for i, row in enumerate(r):
                s = row[1].split("-")[1] if len(row) == 3 else row[0].split("-")[1]
                if s in by and s != "self":
                    r[by[s]], r[i] = r[i], r[by[s]]
                    return
                by[s] = i
        return change
    yield damage("lost from the recipient's archive", lambda h: h.archive["b"].pop(3))
    yield damage("lost from the sender's archive", lambda h: h.archive["a"].pop(0))
    yield damage("the last one lost", lambda h: h.archive["a"].pop())
    yield damage("doubled under a new id", lambda h: h.archive["b"].append(("b-999", *h.archive["b"][2][1:])))
    yield damage("an archive id used twice", lambda h: h.archive["b"].__setitem__(4, (h.archive["b"][3][0], *h.archive["b"][4][1:])))
    yield damage("order in the archive", swap(lambda h: h.archive["b"]))
    yield damage("never sent", lambda h: h.archive["c"].append(("c-998", "forged", "x")))
    yield damage("another body", lambda h: h.archive["c"].__setitem__(0, (*h.archive["c"][0][:2], "x")))
    yield damage("in a stranger's archive", lambda h: h.archive["c"].append(
        ("c-997", *next(r for r in h.archive["a"] if "c" not in (h.sent[r[1]][0], h.sent[r[1]][2]))[1:])))
    yield damage("never arrived", lambda h: h.received["a"].pop(1))
    yield damage("arrived at somebody else", lambda h: h.received["a"].append(h.received["b"][0]))
    yield damage("arrived twice under different ids", lambda h: h.received["b"].append((h.received["b"][0][0], "other")))
    yield damage("order of arrival", swap(lambda h: h.received["b"]))
    yield damage("live id and archive id differ", lambda h: h.received["b"].__setitem__(0, (h.received["b"][0][0], "other")))
    h = good_history()
    lost = next(iter(h.sent))
    h.acked.discard(lost)
    for rows in h.archive.values():
        rows[:] = [r for r in rows if r[1] != lost]
    for rows in h.received.values():
        rows[:] = [r for r in rows if r[0] != lost]
    yield "what was never acknowledged may be missing", judge(h) == []
