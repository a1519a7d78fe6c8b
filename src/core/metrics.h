/* metrics.h - counters of one shard; read by `status`. Plain numbers: one thread writes them. */
#ifndef CORE_METRICS_H
#define CORE_METRICS_H

#include <stdint.h>

#define METRICS(M) \
	M(connections) M(logins) M(login_failures) M(stanzas_in) M(stanzas_out) M(messages) M(delivered) \
	M(offline_stored) M(archived) M(held) M(refused) M(errors_sent) M(stream_errors) M(dropped) \
	M(store_failures) M(resumed) M(outbreaks) M(frozen) M(would) M(stripped) M(learnt) M(purge_told) M(breakers) \
	M(files_slots) M(files_put) M(files_judged) M(files_held) M(files_loaded) M(files_waited)

struct metrics {
#define METRICS_FIELD(name) uint64_t name;
	METRICS(METRICS_FIELD)
#undef METRICS_FIELD
};

#endif
