/* specs.c - at build time: writes what is implemented (core/spec.h) as DOAP, as the C literal that `wardroom doap` prints, or
 * as docs/protocol.md. Run as `wardroom-specs doap|literal|markdown`. */
#include <stdio.h>
#include <string.h>

#include "core/spec.h"

#define URL "https://wardroom.example/"

static void text(FILE *f, const char *s)
{
	for (; *s; s++) {
		if (*s == '&')
			fputs("&amp;", f);
		else if (*s == '<')
			fputs("&lt;", f);
		else if (*s == '>')
			fputs("&gt;", f);
		else
			fputc(*s, f);
	}
}

static void doap(FILE *f)
{
	static struct spec list[SPEC_MOST];
	size_t n = spec_list(list);
	const char *const (*rfc)[2] = spec_rfcs();

	fputs("<?xml version='1.0' encoding='UTF-8'?>\n"
	      "<rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#' xmlns='http://usefulinc.com/ns/doap#' "
	      "xmlns:xmpp='https://linkmauve.fr/ns/xmpp-doap#'>\n"
	      "  <Project>\n"
	      "    <name>Wardroom</name>\n"
	      "    <shortdesc xml:lang='en'>A company's own XMPP server that inspects what passes through it</shortdesc>\n"
	      "    <programming-language>C</programming-language>\n"
	      "    <os>Linux</os>\n"
	      "    <category rdf:resource='https://linkmauve.fr/ns/xmpp-doap#category-server'/>\n", f);
	for (; (*rfc)[0]; rfc++)
		fprintf(f, "    <implements rdf:resource='https://xmpp.org/rfcs/rfc%s.html'/>\n", (*rfc)[0]);
	for (size_t i = 0; i < n; i++) {
		fprintf(f, "    <implements>\n      <xmpp:SupportedXep>\n"
			   "        <xmpp:xep rdf:resource='https://xmpp.org/extensions/xep-%04u.html'/>\n"
			   "        <xmpp:version>%s</xmpp:version>\n        <xmpp:status>%s</xmpp:status>\n",
			list[i].xep, list[i].version, list[i].partial ? "partial" : "complete");
		if (list[i].note[0]) {
			fputs("        <xmpp:note xml:lang='en'>", f);
			text(f, list[i].note);
			fputs("</xmpp:note>\n", f);
		}
		fputs("      </xmpp:SupportedXep>\n    </implements>\n", f);
	}
	fputs("  </Project>\n</rdf:RDF>\n", f);
}

static void markdown(FILE *f)
{
	static struct spec list[SPEC_MOST];
	size_t n = spec_list(list);
	const char *const (*rfc)[2] = spec_rfcs();

	fputs("# Protocol\n\n"
	      "Made from the sources (`mod_def` of each feature, `src/core/specs.def`) by `WARDROOM_GOLDEN_WRITE=1 meson test -C build golden/specs`;\n"
	      "`wardroom doap` prints the same as DOAP. Partial: the note says what there is.\n\n", f);
	fputs("| RFC | Name |\n|---|---|\n", f);
	for (; (*rfc)[0]; rfc++)
		fprintf(f, "| %s | %s |\n", (*rfc)[0], (*rfc)[1]);
	fputs("\n| XEP | Name | Version | Status | Note |\n|---|---|---|---|---|\n", f);
	for (size_t i = 0; i < n; i++)
		fprintf(f, "| %04u | %s | %s | %s | %s |\n", list[i].xep, spec_title(list[i].xep) ? spec_title(list[i].xep) : "?",
			list[i].version, list[i].partial ? "partial" : "complete", list[i].note);
}

/* Lines of C: a literal of the whole may be longer than compilers must take, one of a line is not. */
static int literal(FILE *f)
{
	char line[1024];
	FILE *t = tmpfile();

	if (!t)
		return 1;
	doap(t);
	rewind(t);
	fputs("static const char *const doap_lines[] = {\n", f);
	while (fgets(line, sizeof(line), t)) {
		fputs("\t\"", f);
		for (const char *p = line; *p && *p != '\n'; p++)
			fprintf(f, *p == '"' || *p == '\\' ? "\\%c" : "%c", *p);
		fputs("\",\n", f);
	}
	fputs("};\n", f);
	fclose(t);
	return 0;
}

int main(int argc, char **argv)
{
	const char *what = argc == 2 ? argv[1] : "";

	if (strcmp(what, "doap") == 0)
		doap(stdout);
	else if (strcmp(what, "markdown") == 0)
		markdown(stdout);
	else if (strcmp(what, "literal") != 0 || literal(stdout) != 0)
		return 2;
	return fflush(stdout) == 0 ? 0 : 1;
}
