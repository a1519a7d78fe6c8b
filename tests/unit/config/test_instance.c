/* test_instance.c - the folder of an instance: lock, modes, files that are whole or not there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include "config/instance.h"

struct place {
	char dir[64];
	struct arena *a;
	struct instance in;
};

static void remove_tree(const char *dir)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -r '%s'", dir);
	assert_int_equal(system(command), 0);
}

static int place_up(void **st)
{
	struct place *p = calloc(1, sizeof(*p));
	struct str why;

	strcpy(p->dir, "/tmp/test-instance-XXXXXX");
	assert_non_null(mkdtemp(p->dir));
	p->a = arena_new(1024 * 1024);
	assert_int_equal(instance_paths(p->dir, p->a, &p->in), 0);
	assert_int_equal(instance_create(&p->in, p->a, &why), 0);
	*st = p;
	return 0;
}

static int place_down(void **st)
{
	struct place *p = *st;

	remove_tree(p->dir);
	arena_free(&p->a);
	free(p);
	return 0;
}

static void put(struct place *p, const char *path, mode_t mode)
{
	struct str why;

	assert_int_equal(instance_write(path, STR("x"), mode, p->a, &why), 0);
}

static unsigned mode_of(const char *path)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return st.st_mode & 0777;
}

static void paths_do_not_depend_on_a_slash_at_the_end(void **st)
{
	struct place *p = *st;
	struct instance in;

	assert_int_equal(instance_paths("/srv/w//", p->a, &in), 0);
	assert_string_equal(in.config, "/srv/w/wardroom.yaml");
	assert_string_equal(in.socket, "/srv/w/run/control.sock");
	assert_string_equal(in.tls_key, "/srv/w/tls/key.pem");
	assert_int_equal(instance_paths("", p->a, &in), ERR_BAD_REQUEST);
}

static void folders_are_made_for_their_owner_alone(void **st)
{
	struct place *p = *st;
	const char *private[] = { p->in.data, p->in.spool, p->in.keys, p->in.tls, p->in.run };

	for (size_t i = 0; i < 5; i++)
		assert_int_equal(mode_of(private[i]), 0700);
}

static void an_instance_is_not_made_over_another(void **st)
{
	struct place *p = *st;
	struct str why = STR_NONE;

	put(p, p->in.config, 0644);
	assert_int_equal(instance_create(&p->in, p->a, &why), ERR_CONFLICT);
	assert_true(str_find(why, str_of(p->in.config)) == 0);
}

static void a_file_in_the_way_is_named(void **st)
{
	struct place *p = *st;
	struct str why = STR_NONE;

	assert_int_equal(rmdir(p->in.spool), 0);
	put(p, p->in.spool, 0600);
	assert_int_equal(instance_create(&p->in, p->a, &why), ERR_CONFLICT);
	assert_true(str_find(why, str_of(p->in.spool)) == 0);
}

static void a_folder_without_config_is_no_instance(void **st)
{
	struct place *p = *st;
	struct str why = STR_NONE;

	assert_int_equal(instance_check(&p->in, p->a, &why), ERR_NOT_FOUND);
	assert_true(str_find(why, STR("init")) > 0);
}

static void a_key_that_others_can_read_is_refused(void **st)
{
	struct place *p = *st;
	struct str why = STR_NONE, key = arena_printf(p->a, "%s/master.key", p->in.keys);

	put(p, p->in.config, 0644);
	put(p, key.p, 0600);
	put(p, p->in.tls_key, 0600);
	assert_int_equal(instance_check(&p->in, p->a, &why), 0);

	assert_int_equal(chmod(key.p, 0640), 0);
	assert_int_equal(instance_check(&p->in, p->a, &why), ERR_FORBIDDEN);
	assert_true(str_find(why, key) == 0 && str_find(why, STR("chmod 0600 ")) > 0);
	assert_int_equal(chmod(key.p, 0600), 0);

	assert_int_equal(chmod(p->in.keys, 0755), 0);
	assert_int_equal(instance_check(&p->in, p->a, &why), ERR_FORBIDDEN);
	assert_true(str_find(why, STR("chmod 0700 ")) > 0);
	assert_int_equal(chmod(p->in.keys, 0700), 0);

	assert_int_equal(chmod(p->in.tls_key, 0604), 0);
	assert_int_equal(instance_check(&p->in, p->a, &why), ERR_FORBIDDEN);
	assert_int_equal(chmod(p->in.tls_key, 0600), 0);
	assert_int_equal(instance_check(&p->in, p->a, &why), 0);
}

static void the_lock_is_held_by_one(void **st)
{
	struct place *p = *st;
	struct str why = STR_NONE;
	char pid[32];
	int one = -1, two = -1;

	assert_int_equal(instance_lock(&p->in, p->a, &one, &why), 0);
	assert_int_equal(instance_lock(&p->in, p->a, &two, &why), ERR_LOCKED);
	snprintf(pid, sizeof(pid), "process %ld:", (long)getpid());
	assert_true(str_find(why, str_of(pid)) > 0);
	assert_int_equal(two, -1);
	instance_unlock(&one);
	assert_int_equal(one, -1);
	assert_int_equal(instance_lock(&p->in, p->a, &two, &why), 0);
	instance_unlock(&two);
	instance_unlock(&two);
}

static void the_lock_of_a_killed_process_is_free(void **st)
{
	struct place *p = *st;
	struct str why = STR_NONE;
	int fd = -1, status;
	pid_t child = fork();

	if (child == 0) {
		_exit(instance_lock(&p->in, p->a, &fd, &why) == 0 ? 0 : 1);	/* ends without letting go */
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_int_equal(instance_lock(&p->in, p->a, &fd, &why), 0);
	instance_unlock(&fd);
}

static void the_lock_of_a_dying_process_is_waited_for(void **st)
{
	struct place *p = *st;
	struct str why = STR_NONE;
	int fd = -1, status, ends[2];
	char byte;
	pid_t child;

	assert_int_equal(pipe(ends), 0);
	child = fork();
	if (child == 0) {
		bool held = instance_lock(&p->in, p->a, &fd, &why) == 0 && write(ends[1], "x", 1) == 1;

		nanosleep(&(struct timespec){ .tv_nsec = 200 * 1000000 }, NULL);
		_exit(held ? 0 : 1);
	}
	assert_int_equal(read(ends[0], &byte, 1), 1);
	assert_int_equal(instance_lock_wait(&p->in, 0, p->a, &fd, &why), ERR_LOCKED);
	assert_int_equal(instance_lock_wait(&p->in, 10000, p->a, &fd, &why), 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	instance_unlock(&fd);
	close(ends[0]);
	close(ends[1]);
}

static void a_written_file_replaces_the_old_one_whole(void **st)
{
	struct place *p = *st;
	struct str got = STR_NONE, why = STR_NONE;

	assert_int_equal(instance_write(p->in.policy, STR("one, and longer"), 0644, p->a, &why), 0);
	assert_int_equal(mode_of(p->in.policy), 0644);
	assert_int_equal(instance_write(p->in.policy, STR("two"), 0600, p->a, &why), 0);
	assert_int_equal(mode_of(p->in.policy), 0600);
	assert_int_equal(instance_read(p->in.policy, 100, p->a, &got, &why), 0);
	assert_true(str_is(got, "two"));
	assert_int_equal(instance_read(p->in.policy, 2, p->a, &got, &why), ERR_BAD_FORMAT);
	assert_int_equal(instance_read(p->in.data, 100, p->a, &got, &why), ERR_BAD_FORMAT);
	assert_int_equal(instance_read(p->in.weights, 100, p->a, &got, &why), ERR_NOT_FOUND);
	assert_true(str_find(why, str_of(p->in.weights)) == 0);
}

static void a_failed_write_leaves_the_old_file_and_nothing_else(void **st)
{
	struct place *p = *st;
	struct str why = STR_NONE, path = arena_printf(p->a, "%s/none/x", p->dir);

	assert_int_equal(instance_write(path.p, STR("x"), 0600, p->a, &why), ERR_NOT_FOUND);
	/* A folder in the way of the rename. */
	assert_int_equal(instance_write(p->in.data, STR("x"), 0600, p->a, &why), ERR_IO);
	assert_true(mode_of(p->in.data) == 0700);
	path = arena_printf(p->a, "test \"$(ls '%s' | grep -c tmp)\" = 0", p->dir);
	assert_int_equal(system(path.p), 0);
}

static void a_link_is_replaced_and_not_followed(void **st)
{
	struct place *p = *st;
	struct str why = STR_NONE;

	assert_int_equal(symlink("/dev/full", p->in.weights), 0);
	assert_int_equal(instance_write(p->in.weights, STR("x"), 0600, p->a, &why), 0);	/* replaces the link, not its target */
	assert_int_equal(mode_of(p->in.weights), 0600);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(paths_do_not_depend_on_a_slash_at_the_end, place_up, place_down),
		cmocka_unit_test_setup_teardown(folders_are_made_for_their_owner_alone, place_up, place_down),
		cmocka_unit_test_setup_teardown(an_instance_is_not_made_over_another, place_up, place_down),
		cmocka_unit_test_setup_teardown(a_file_in_the_way_is_named, place_up, place_down),
		cmocka_unit_test_setup_teardown(a_folder_without_config_is_no_instance, place_up, place_down),
		cmocka_unit_test_setup_teardown(a_key_that_others_can_read_is_refused, place_up, place_down),
		cmocka_unit_test_setup_teardown(the_lock_is_held_by_one, place_up, place_down),
		cmocka_unit_test_setup_teardown(the_lock_of_a_killed_process_is_free, place_up, place_down),
		cmocka_unit_test_setup_teardown(the_lock_of_a_dying_process_is_waited_for, place_up, place_down),
		cmocka_unit_test_setup_teardown(a_written_file_replaces_the_old_one_whole, place_up, place_down),
		cmocka_unit_test_setup_teardown(a_failed_write_leaves_the_old_file_and_nothing_else, place_up, place_down),
		cmocka_unit_test_setup_teardown(a_link_is_replaced_and_not_followed, place_up, place_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
