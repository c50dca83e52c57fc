"""What a power cut may leave of a folder, from the log of tests/faults/disk.c.

A file's bytes are on the disk as its last fsync found them; later ones are lost (SQLite's own writes too). A name is on the
disk when its folder was synced after it was made, moved or removed; of names changed since, any number may be there:
`states` gives none, all, and some by chance. A name without its bytes is an empty file, or one of zeros."""


class File:
    def __init__(self):
        self.live = bytearray()  # of databases, whose writes are known
        self.durable = b""
        self.is_database = False


class Folder:
    def __init__(self):
        self.entries = {}  # as the programs see them
        self.durable = {}
        self.pending = []  # changes since the folder was synced, each {name: File, Folder or None}


class Disk:
    """The folder after the records so far. `feed` takes them one by one."""

    def __init__(self, root):
        self.root, self.top, self.files = str(root), Folder(), {}
        self.acknowledged = []

    def folder(self, path):
        at = self.top
        for word in path.split("/")[:-1]:
            at = at.entries[word]
        return at

    def change(self, *changes):
        """(path, node or None): all of them at once, as a rename within a folder is."""
        by_folder = {}
        for path, node in changes:
            path = path.removeprefix(self.root + "/")
            folder, name = self.folder(path), path.rpartition("/")[2]
            if node is None:
                folder.entries.pop(name, None)
            else:
                folder.entries[name] = node
            by_folder.setdefault(id(folder), (folder, {}))[1][name] = node
        for folder, names in by_folder.values():
            folder.pending.append(names)

    def at(self, path):
        path = path.removeprefix(self.root + "/")
        return self.folder(path).entries[path.rpartition("/")[2]]

    def feed(self, words, body):
        kind, *rest = words
        if kind == "create":
            file = self.files[rest[0]] = File()
            file.is_database = ".db" in rest[1].rpartition("/")[2]
            self.change((rest[1], file))
        elif kind == "make":
            self.change((rest[0], Folder()))
        elif kind in ("unlink", "remove"):
            self.change((rest[0], None))
        elif kind == "rename":
            node = self.at(rest[0])
            self.change((rest[0], None), (rest[1], node))
        elif kind == "link":
            self.change((rest[1], self.at(rest[0])))
        elif kind == "truncate":
            file, size = self.files[rest[0]], int(rest[1])
            file.live = file.live[:size].ljust(size, b"\0")
        elif kind == "write":
            file, offset = self.files[rest[0]], int(rest[1])
            if len(file.live) < offset + len(body):
                file.live.extend(bytes(offset + len(body) - len(file.live)))
            file.live[offset:offset + len(body)] = body
        elif kind == "sync":
            file = self.files[rest[0]]
            file.durable = bytes(file.live) if file.is_database else body
        elif kind == "syncdir":
            folder = self.top if rest[0] == self.root else self.at(rest[0])
            for names in folder.pending:
                for name, node in names.items():
                    if node is None:
                        folder.durable.pop(name, None)
                    else:
                        folder.durable[name] = node
            folder.pending = []
        elif kind == "acknowledged":
            self.acknowledged.append(rest[0])
        else:
            raise AssertionError(f"the log has a record '{kind}'")

    def write(self, to, chosen, torn):
        """Makes `to` a folder that a power cut now could leave: `chosen()` says of each change in question whether it was
        written, `torn` what the bytes are that no sync had asked for."""

        def build(folder, path):
            path.mkdir(parents=True, exist_ok=True)
            entries = dict(folder.durable)
            for names in folder.pending:
                if chosen():
                    for name, node in names.items():
                        entries.pop(name, None)
                        if node is not None:
                            entries[name] = node
            for name, node in entries.items():
                if isinstance(node, Folder):
                    build(node, path / name)
                else:
                    (path / name).write_bytes(node.durable or torn)

        build(self.top, to)


def records(log):
    """(words, body) of each record."""
    data, at = log.read_bytes(), 0
    while at < len(data):
        end = data.index(b"\n", at)
        *words, length = data[at:end].decode().split("\t")
        at = end + 1 + int(length)
        yield words, data[end + 1:at]


def choices(dice):
    """Ways to choose among changes that no sync has asked for."""
    return {"nothing": lambda: False, "everything": lambda: True, "some": lambda: dice.random() < 0.5}
