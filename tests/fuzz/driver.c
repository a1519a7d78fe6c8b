/* driver.c - runs a fuzz target where libFuzzer is not at hand (gcc): the corpus first, then simple mutations of it.
 *
 * fuzz_x [-max_total_time=SECONDS] [-seed=N] FILE-OR-FOLDER...
 *
 * The options are libFuzzer's. There is no coverage to steer by, so this finds what breaks easily; the
 * long runs belong to clang. The input that was under way is written to ./crash-fuzz when the target dies.
 */
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define INPUT_MAX (64 * 1024)
#define CORPUS_MAX 4096

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

struct input { uint8_t *p; size_t n; };

static struct input corpus[CORPUS_MAX];
static size_t n_corpus;
static uint8_t current[INPUT_MAX];
static size_t n_current;
static uint64_t state;

static uint64_t next(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

static void on_death(int sig)
{
	int fd = open("crash-fuzz", O_WRONLY | O_CREAT | O_TRUNC, 0600);

	if (fd >= 0 && write(fd, current, n_current) >= 0)
		close(fd);
	signal(sig, SIG_DFL);
	raise(sig);
}

static void load(const char *path)
{
	struct stat st;
	FILE *f;
	DIR *d;

	if (stat(path, &st) < 0) {
		fprintf(stderr, "%s: not there\n", path);
		exit(2);
	}
	if (S_ISDIR(st.st_mode)) {
		struct dirent *e;

		d = opendir(path);
		while (d && (e = readdir(d))) {
			char sub[4096];

			if (e->d_name[0] == '.' || snprintf(sub, sizeof(sub), "%s/%s", path, e->d_name) >= (int)sizeof(sub))
				continue;
			load(sub);
		}
		if (d)
			closedir(d);
		return;
	}
	f = fopen(path, "rb");
	if (!f || n_corpus == CORPUS_MAX) {
		fprintf(stderr, "%s: cannot read\n", path);
		exit(2);
	}
	corpus[n_corpus].p = malloc(INPUT_MAX);
	if (!corpus[n_corpus].p)
		exit(2);
	corpus[n_corpus].n = fread(corpus[n_corpus].p, 1, INPUT_MAX, f);
	n_corpus++;
	fclose(f);
}

/* An exact allocation, so that a sanitizer sees the first byte behind it. */
static void run(void)
{
	uint8_t *p = malloc(n_current ? n_current : 1);

	if (!p)
		exit(2);
	memcpy(p, current, n_current);
	LLVMFuzzerTestOneInput(p, n_current);
	free(p);
}

static void mutate_once(void)
{
	const struct input *other = n_corpus ? &corpus[next() % n_corpus] : NULL;
	size_t at = n_current ? next() % n_current : 0, n;

	switch (next() % 7) {
	case 0:						/* a bit */
		if (n_current)
			current[at] ^= (uint8_t)(1u << next() % 8);
		break;
	case 1:						/* a byte */
		if (n_current)
			current[at] = (uint8_t)next();
		break;
	case 2:						/* out */
		n = next() % 16 + 1;
		if (at + n <= n_current) {
			memmove(current + at, current + at + n, n_current - at - n);
			n_current -= n;
		}
		break;
	case 3:						/* in */
		n = next() % 16 + 1;
		if (n_current + n <= INPUT_MAX) {
			memmove(current + at + n, current + at, n_current - at);
			for (size_t i = 0; i < n; i++)
				current[at + i] = (uint8_t)next();
			n_current += n;
		}
		break;
	case 4:						/* twice */
		n = next() % 64 + 1;
		if (at + n <= n_current && n_current + n <= INPUT_MAX) {
			memmove(current + at + n, current + at, n_current - at);
			n_current += n;
		}
		break;
	case 5:						/* a piece of another */
		if (other && other->n > 0) {
			size_t from = next() % other->n;

			n = next() % (other->n - from) + 1;
			if (at + n <= INPUT_MAX) {
				memcpy(current + at, other->p + from, n);
				n_current = at + n > n_current ? at + n : n_current;
			}
		}
		break;
	default:					/* the end off */
		n_current = at;
		break;
	}
}

int main(int argc, char **argv)
{
	unsigned long seconds = 0, runs = 0;
	struct timespec t;
	time_t end;

	clock_gettime(CLOCK_MONOTONIC, &t);
	state = (uint64_t)t.tv_nsec << 20 | 1;
	for (int i = 1; i < argc; i++) {
		if (strncmp(argv[i], "-max_total_time=", 16) == 0)
			seconds = strtoul(argv[i] + 16, NULL, 10);
		else if (strncmp(argv[i], "-seed=", 6) == 0)
			state = strtoull(argv[i] + 6, NULL, 10) | 1;
		else if (argv[i][0] != '-')
			load(argv[i]);
	}
	fprintf(stderr, "seed %llu, %zu inputs\n", (unsigned long long)state, n_corpus);
	signal(SIGABRT, on_death);
	signal(SIGSEGV, on_death);
	run();						/* the empty input */
	for (size_t i = 0; i < n_corpus; i++, runs++) {
		n_current = corpus[i].n;
		memcpy(current, corpus[i].p, n_current);
		run();
	}
	for (end = t.tv_sec + (time_t)seconds; t.tv_sec < end; clock_gettime(CLOCK_MONOTONIC, &t), runs++) {
		const struct input *in = n_corpus ? &corpus[next() % n_corpus] : NULL;

		n_current = in ? in->n : 0;
		if (in)
			memcpy(current, in->p, n_current);
		for (uint64_t k = next() % 8 + 1; k > 0; k--)
			mutate_once();
		run();
	}
	fprintf(stderr, "%lu runs\n", runs);
	for (size_t i = 0; i < n_corpus; i++)
		free(corpus[i].p);
	return 0;
}
