#!/usr/bin/env python3
"""Is what was cleaned still what it was? Every file of the data that has a cleaner is cleaned of everything at once, and then:

office documents open in LibreOffice and read the same, PDFs pass `qpdf --check` with the same text and as many pages, pictures have the same
pixels, profile and orientation, pages show the same words; and a second look finds nothing that was to go. --write puts the table into
docs/detection.md; --show tells of each file.
"""
import collections
import csv
import html.parser
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from wardroom_test import BUILD, ROOT, SHARED, Tap, check, skip_all  # noqa: E402

DATA = os.path.join(SHARED, "data", "files")
DOC = os.path.join(ROOT, "docs", "detection.md")
BEGIN, END = "<!-- clean: begin -->", "<!-- clean: end -->"
LIBREOFFICE = {"fodt": "doc docx docm dot dotx dotm odt ott sxw stw rtf fodt", "fods": "xls xlsx xlsm xlsb xlt xltx xltm ods ots sxc stc fods",
               "fodp": "ppt pptx pptm pps ppsx ppsm pot potx potm odp otp sxi sti fodp", "fodg": "odg otg sxd fodg"}
FAMILY = {e: k for k, v in LIBREOFFICE.items() for e in v.split()}
OFFICE = re.compile(r"officedocument|ms-(word|excel|powerpoint)|msword|opendocument|sun\.xml|rtf|visio|ole")
PICTURES = ("jpg", "jpeg", "png", "gif", "webp", "tif", "tiff")
CLEANABLE = {"MACRO", "MACRO_AUTO", "DDE", "EXTERNAL_TEMPLATE", "EXTERNAL_OBJECT", "EMBEDDED_OBJECT", "ACTIVEX", "PDF_SCRIPT", "PDF_LAUNCH", "PDF_EMBEDDED", "PDF_XFA",
             "HTML_SCRIPT", "HTML_SMUGGLING", "SVG_SCRIPT", "METADATA", "TRAILING_DATA"}


class File:
    def __init__(self, path, name, what):
        self.path, self.name, self.what = path, name, what
        self.copy = self.error = self.suffix = self.type = None
        self.seen = self.removed = self.left = ()
        self.told = {}			# what was compared -> whether it is alike; None: cannot be said

    def ending(self):
        return (self.suffix or "." + self.name.rsplit(".", 1)[-1]).lower().lstrip(".")

    def kind(self):
        if self.type == "application/pdf":
            return "PDF"
        if self.type == "image/svg+xml":
            return "SVG"
        if self.type.startswith("image/"):
            return "picture"
        if self.type in ("text/html", "application/xhtml+xml"):
            return "page"
        return "office" if OFFICE.search(self.type) or self.ending() in FAMILY else "other"


def files(folder):
    subprocess.run(f"zstd -dc '{DATA}/files.dev.tar.zst' | tar -xf - -C '{folder}'", shell=True, check=True)
    with open(os.path.join(DATA, "manifest.dev.tsv"), encoding="utf-8") as f:
        for r in csv.DictReader(f, delimiter="\t", quoting=csv.QUOTE_NONE):
            yield File(os.path.join(folder, r["member"]), json.loads('"' + r["declared_name_json"].strip('"') + '"'), r["features"])


def pictures_within(folder, some):
    """Pictures of the office documents: more of them than there are alone."""
    n = 0
    for f in some:
        try:
            with zipfile.ZipFile(f.path) as z:
                for i in z.infolist():
                    if i.filename.lower().rsplit(".", 1)[-1] in PICTURES and i.file_size < 4 << 20:
                        path = os.path.join(folder, f"within{n}")
                        with open(path, "wb") as out:
                            out.write(z.read(i))
                        n += 1
                        yield File(path, os.path.basename(i.filename), "within")
        except (zipfile.BadZipFile, OSError, NotImplementedError, RuntimeError, ValueError):
            continue


def pictures_made(folder):
    """One of each kind and way of coding, with everything hung on it that there is."""
    from PIL import Image, PngImagePlugin
    exif = Image.Exif()
    exif[0x010f], exif[0x0112], exif[0x8298] = "Firm", 6, "Jane Roe"
    exif = exif.tobytes()
    rgb = Image.effect_noise((61, 43), 60).convert("RGB")
    frames = [Image.effect_noise((31, 23), 20 * k + 10).convert("P") for k in range(3)]
    text = PngImagePlugin.PngInfo()
    text.add_text("Author", "Jane Roe")
    made = {"a.jpg": (rgb, {"exif": exif, "comment": b"hello", "icc_profile": b"p" * 300}), "b.jpg": (rgb, {"progressive": True, "exif": exif}),
            "c.jpg": (rgb.convert("CMYK"), {"exif": exif}), "d.jpg": (rgb.convert("L"), {"dpi": (300, 300), "exif": exif}),
            "a.png": (rgb, {"exif": exif, "pnginfo": text, "icc_profile": b"p" * 300}), "b.png": (rgb.convert("P"), {"pnginfo": text, "transparency": 3}),
            "c.png": (rgb.convert("LA"), {"pnginfo": text}),
            "d.png": (frames[0].convert("RGB"), {"save_all": True, "append_images": [f.convert("RGB") for f in frames[1:]], "pnginfo": text}),
            "a.gif": (frames[0], {"save_all": True, "append_images": frames[1:], "loop": 2, "comment": b"hello"}),
            "a.webp": (rgb, {"exif": exif, "xmp": b"<x/>"}), "b.webp": (rgb.convert("RGBA"), {"lossless": True, "exif": exif, "icc_profile": b"p" * 301}),
            "c.webp": (frames[0].convert("RGB"), {"save_all": True, "append_images": [f.convert("RGB") for f in frames[1:]], "exif": exif}),
            "a.tif": (rgb, {"exif": exif, "description": "hello", "software": "x"}), "b.tif": (rgb, {"compression": "tiff_lzw", "copyright": "Jane Roe"})}
    for name, (picture, options) in made.items():
        path = os.path.join(folder, "made-" + name)
        picture.save(path, format={"jpg": "JPEG", "tif": "TIFF"}.get(name[2:], name[2:].upper()), **options)
        if not name.endswith("tif"):
            with open(path, "ab") as f:
                f.write(b"<script>appended</script>")
        yield File(path, name, "made")


def clean(some):
    for f in some:
        f.copy = f.path + ".clean"
    lines = "".join(f"{f.path}\t{f.copy}\t{f.name.translate({9: None, 10: None, 13: None})}\n" for f in some)
    p = subprocess.run([os.path.join(BUILD, "tests", "calibration", "clean_file")], input=lines, capture_output=True, text=True, timeout=240, check=False)
    out = p.stdout.splitlines()
    if p.returncode or len(out) != len(some):
        sys.exit(f"clean_file stopped with {p.returncode} at {some[min(len(out), len(some) - 1)].name}: {p.stderr[-2000:]}")
    for f, line in zip(some, out, strict=True):
        f.error, f.suffix, f.type, *facts = line.split("\t")
        f.seen, f.removed, f.left = (set(x.split(",")) - {""} for x in facts)
    return [f for f in some if not f.error]


def office_text(path):
    try:
        with open(path, encoding="utf-8") as f:
            s = f.read()
    except OSError:
        return None
    s = s[s.find("<office:master-styles"):]
    s = re.sub(r"<office:(binary-data|scripts)>.*?</office:\1>", "", s, flags=re.S)
    s = re.sub(r"<[^>]*>", " ", s)
    return " ".join(re.sub(r"\d{1,2}:\d\d(:\d\d)?([.,]\d+)?( ?[AP]M)?", "NOW", s).split())


def libreoffice(folder, family, some):
    """Originals and copies side by side in one start: it is slow."""
    into, todo = os.path.join(folder, family), []
    os.makedirs(into)
    for n, f in enumerate(some):
        original = f.name.rsplit(".", 1)[-1].lower()
        f.office = [os.path.join(into, f"{n}.{side}.{family}") for side in "ab"]
        for side, path, ending in (("a", f.path, original), ("b", f.copy, f.ending())):
            os.symlink(path, os.path.join(into, f"{n}.{side}.{ending}"))
            todo.append(os.path.join(into, f"{n}.{side}.{ending}"))
    os.makedirs(os.path.join(into, "out"))
    for _ in range(3):					# should one bring it down: the rest once more
        todo = [t for t in todo if not os.path.exists(os.path.join(into, "out", os.path.splitext(os.path.basename(t))[0] + "." + family))]
        if not todo:
            break
        p = subprocess.run(["soffice", f"-env:UserInstallation=file://{folder}/profile", "--headless", "--convert-to", family, "--outdir",
                            os.path.join(into, "out")] + todo, capture_output=True, timeout=170, check=False)
        if p.returncode == 0:
            break
        todo = todo[1:]
    for f in some:
        a, b = (office_text(os.path.join(into, "out", os.path.basename(p))) for p in f.office)
        if a is None:
            f.told["opens"] = f.told["text"] = None		# the original does not either
            continue
        f.told["opens"] = b is not None
        # The text of a sheet of macros are the macros.
        f.told["text"] = None if "xlm" in f.what else a == b
        f.texts = a, b


def run(*args):
    p = subprocess.run(args, capture_output=True, timeout=60, check=False)
    return p.returncode, p.stdout


def pdf(f):
    f.told["opens"] = run("qpdf", "--check", f.copy)[0] == 0
    pages = [re.findall(rb"Pages: *(\d+)", run("pdfinfo", p)[1]) for p in (f.path, f.copy)]
    texts = [run("pdftotext", p, "-")[1] for p in (f.path, f.copy)]
    f.told["text"] = pages[0] == pages[1] and texts[0] == texts[1] if pages[0] else None


def picture(f):
    from PIL import Image, ImageSequence

    def pixels(path):
        with Image.open(path) as i:
            turned = i.getexif().get(0x0112, 1)
            return i.size, i.mode, turned, i.info.get("icc_profile"), i.info.get("loop"), [(x.convert("RGBA").tobytes(), x.info.get("duration"))
                                                                                          for x in ImageSequence.Iterator(i)]
    try:
        before = pixels(f.path)
    except Exception:				# noqa: BLE001  whatever it has against the original
        f.told["opens"] = f.told["text"] = None
        return
    try:
        f.told["text"] = before == pixels(f.copy)
        f.told["opens"] = True
    except Exception:				# noqa: BLE001
        f.told["opens"] = f.told["text"] = False


class Words(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.words, self.hidden = [], 0

    def handle_starttag(self, tag, attrs):
        self.hidden += tag in ("script", "style")

    def handle_endtag(self, tag):
        self.hidden -= tag in ("script", "style")

    def handle_data(self, data):
        if not self.hidden:
            self.words += data.split()


def page(f):
    with open(f.path, "rb") as a, open(f.copy, encoding="utf-8") as b:
        try:
            source, text = a.read().decode("utf-8"), b.read()
        except UnicodeDecodeError:
            f.told["opens"] = True		# of another character set: that it is read at all is seen in the unit tests
            return
    w = Words()
    w.feed(re.sub(r"<(script|style)\b.*?</\1[^>]*>", "", source, flags=re.S | re.I))	# what Python's own reader takes for longer than it is
    if f.ending() != "txt" or f.name.rsplit(".", 1)[-1].lower() not in ("html", "htm", "xhtml"):
        return
    f.told["opens"], f.told["text"] = True, re.sub(r"[\s\xa0]+", "", "".join(w.words)) == re.sub(r"(^|\n)- |\s+", "", text)


def svg(f):
    import xml.etree.ElementTree as tree
    texts = []
    for path in (f.path, f.copy):
        root = tree.parse(path).getroot()
        texts.append(["".join(t.itertext()) for t in root.iter("{http://www.w3.org/2000/svg}text")] +
                     [e.get("d") for e in root.iter("{http://www.w3.org/2000/svg}path")])
    f.told["opens"], f.told["text"] = True, texts[0] == texts[1]


def measure():
    with tempfile.TemporaryDirectory() as folder:
        some = list(files(folder))
        some += list(pictures_within(folder, some)) + list(pictures_made(folder))
        done = clean(some)
        for family in LIBREOFFICE:
            mine = [f for f in done if f.kind() == "office" and FAMILY.get(f.name.rsplit(".", 1)[-1].lower()) == family]
            if mine:
                libreoffice(folder, family, mine)
        for f in done:
            {"PDF": pdf, "picture": picture, "page": page, "SVG": svg}.get(f.kind(), lambda f: None)(f)
        return some, done


def table(done):
    count = collections.Counter()
    for f in done:
        kind = f.kind()
        count[kind, "n"] += 1
        for what in ("opens", "text"):
            count[kind, what] += f.told.get(what) is True
            count[kind, what + " of"] += f.told.get(what) is not None
    lines = ["| kind | cleaned | opens | looks and reads the same |", "|---|---|---|---|"]
    for kind in ("office", "PDF", "picture", "SVG", "page", "other"):
        if count[kind, "n"]:
            lines.append(f"| {kind} | {count[kind, 'n']} | {count[kind, 'opens']} of {count[kind, 'opens of']} | "
                         f"{count[kind, 'text']} of {count[kind, 'text of']} |")
    return lines


def section(lines):
    return (f"{BEGIN}\n## Cleaned copies\n\nMade by `tests/calibration/clean.py --write`: of every file of the data that has a cleaner, all is taken away that can be. Office\n"
            "documents are opened by LibreOffice and their text compared, PDFs by `qpdf --check`, pdftotext and their number of pages, pictures (also\n"
            "those within the documents, and one of each coding made for this) by all pixels, colour profile, orientation and timing, pages by their words.\n"
            "What the original's program does not open either is not counted. A sheet of macros of Excel 4 becomes an empty one: its text was the macros.\n\n"
            + "\n".join(lines) + f"\n{END}\n")


def stored():
    with open(DOC, encoding="utf-8") as f:
        text = f.read()
    return text, text.find(BEGIN), text.find(END)


def write(new):
    text, a, b = stored()
    text = text + "\n" + new if a < 0 else text[:a] + new + text[b + len(END) + 1:]
    with open(DOC, "w", encoding="utf-8") as f:
        f.write(text)


def alike(done, kind, what):
    bad = [f for f in done if f.kind() == kind and f.told.get(what) is False]
    check(not bad, "\n".join(f"{os.path.basename(f.path)} {f.name!r}" for f in bad))


def nothing_left(done):
    """What is left holds the file, as what lies within a stream of PowerPoint or Excel 4; it is rare, and none of it may be new."""
    bad = [f for f in done if f.left & CLEANABLE - f.seen]
    check(not bad, "\n".join(f"{f.name!r}: {f.left - f.seen}" for f in bad))
    left = [f for f in done if f.left & CLEANABLE]
    check(len(left) * 100 <= 3 * len(done), "\n".join(f"{os.path.basename(f.path)} {f.name!r}: {f.left & CLEANABLE}" for f in left))


def main():
    if not os.path.exists(os.path.join(DATA, "manifest.dev.tsv")):
        skip_all("no files in ../shared")
    try:
        import PIL  # noqa: F401
    except ImportError:
        skip_all("python3-pil is not here")
    if not all(shutil.which(p) for p in ("soffice", "qpdf", "pdftotext")):
        skip_all("LibreOffice, qpdf or pdftotext is not here")
    some, done = measure()
    lines = table(done)
    if "--show" in sys.argv:
        for f in some:
            if not f.error or f.seen & CLEANABLE:
                print(os.path.basename(f.path), repr(f.name), f.error or f.kind(), f.told, "seen", ",".join(f.seen), "left", ",".join(f.left))
                if f.told.get("text") is False and hasattr(f, "texts"):
                    print("    ", *(repr((t or "")[:300]) for t in f.texts), sep="\n     ")
        print("\n".join(lines))
        could_not = collections.Counter(f.ending() for f in some if f.error not in ("", "nothing") and f.seen & CLEANABLE)
        print("something to clean, and no cleaner that could:", dict(could_not))
        return 0
    if "--write" in sys.argv:
        write(section(lines))
        return 0
    for line in lines:
        print("#", line)
    tap = Tap("calibration of cleaned copies")
    for kind, opens, same in (("office", "open in LibreOffice", "read the same"), ("PDF", "pass qpdf --check", "have the same text and number of pages"),
                              ("picture", "open", "have the same pixels"), ("SVG", "open", "have the same paths and texts"), ("page", "are text", "have the same words")):
        tap.run(f"t6-clean: cleaned files of kind {kind} {opens}", alike, done, kind, "opens")
        tap.run(f"t6-clean: cleaned files of kind {kind} {same}", alike, done, kind, "text")
    tap.run("t6-clean: a second look finds hardly anything that was to go, and nothing new", nothing_left, done)

    def told():
        text, a, b = stored()
        check(a >= 0 and text[a:b + len(END) + 1] == section(lines), "docs/detection.md is not of this run: tests/calibration/clean.py --write")
    tap.run("t6-clean: docs/detection.md says what this run has measured", told)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
