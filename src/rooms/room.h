/* room.h - a room (XEP-0045): who is in it, who may what, how it is set up.
 *
 * Every room of the instance is in memory from the start: what is kept of an idle one is small, and no stanza has
 * to wait for a look-up. Occupants stand under the skeleton of their nick (UTS 39), so nobody can look like another.
 *
 * Ownership  struct rooms (server->rooms) owns the rooms, a room its occupants, an occupant its devices. Devices name
 *            their session by id. Strings in these structs are own memory.
 * Threads    The loop's thread.
 * Limits     ROOMS_*: ERR_LIMIT.
 */
#ifndef ROOMS_ROOM_H
#define ROOMS_ROOM_H

#include "base/buf.h"
#include "base/err.h"
#include "base/limits.h"
#include "base/list.h"
#include "base/map.h"
#include "core/mod.h"
#include "core/state.h"

#define ROOMS_MOST LIMIT_ROOMS
#define ROOMS_OCCUPANTS 2000		/* nicks in one room */
#define ROOMS_DEVICES 32		/* of one nick */
#define ROOMS_AFFILIATIONS 5000		/* of one room */
#define ROOMS_OF_DEVICE 1000		/* rooms one client may be in */
#define ROOMS_OWNED 500			/* rooms that one account has made or been given */
#define ROOMS_WRONG 5			/* passwords of one account in ROOMS_WRONG_MS, then it has to wait */
#define ROOMS_WRONG_MS 60000
#define ROOMS_WRONG_KEPT 256
#define ROOMS_HISTORY 50		/* messages shown to who joins, and kept for that */
#define ROOMS_HISTORY_BYTES (256 * 1024)
#define ROOMS_READERS 500		/* are noted of a post that may spread something */
#define ROOMS_HATS 32			/* of one room; a bit each */
#define ROOMS_TEXT 4096			/* name, description, subject, password, reason */
#define ROOMS_NICK 256
#define ROOMS_STANZA_BYTES (LIMIT_STANZA_BYTES_MAX * 2)

enum room_affiliation { ROOM_OUTCAST, ROOM_STRANGER, ROOM_MEMBER, ROOM_ADMIN, ROOM_OWNER };
enum room_role { ROOM_NOBODY, ROOM_VISITOR, ROOM_PARTICIPANT, ROOM_MODERATOR };
enum room_pm { ROOM_PM_ANYONE, ROOM_PM_PARTICIPANTS, ROOM_PM_MODERATORS, ROOM_PM_NONE };

struct room_config {
	struct str name, desc, lang, password;
	bool persistent, listed, members_only, moderated, open_identity;	/* open_identity: whois anyone */
	bool change_subject, allow_invites, member_invites;
	enum room_pm pm;
	unsigned max_occupants;		/* 0: ROOMS_OCCUPANTS */
	unsigned history;		/* how many messages a newcomer may get at most */
};

struct room_grant {
	enum room_affiliation affiliation;	/* never ROOM_STRANGER, but for a reserved nick */
	struct str nick;			/* reserved; empty: none */
	struct str skeleton;			/* of the nick */
	struct str reason;
};

struct room_hat { struct str uri, title, hue; };	/* uri empty: a free place */

struct room_topic { struct str text, by; uint64_t when_ms; };	/* by: the occupant's room address */

struct room_line {			/* of the history */
	struct room_line *next;
	uint64_t when_ms;
	size_t n;
	char stanza[];			/* <message .../> from the occupant, without 'to' */
};

struct rooms;

struct room {
	struct rooms *rooms;
	struct str jid, local;		/* local points into jid */
	struct room_config config;
	struct map *grants;		/* bare JID -> struct room_grant */
	struct room_hat *hats;		/* ROOMS_HATS of them; NULL: none yet */
	struct map *wearers;		/* bare JID -> uint32_t, a bit a hat; NULL: nobody */
	struct map *nicks;		/* skeleton of the nick -> struct occupant */
	struct map *devices;		/* full JID -> struct device */
	struct str subject, subject_by;	/* by: the occupant's full room address */
	uint64_t subject_ms;
	uint64_t entries;		/* devices that have come so far */
	uint64_t created_ms;		/* what is older in its archive was said in another room of that name */
	struct str avatar_hash;		/* SHA-1 of its photo, hex */
	struct room_line *first, *last;
	size_t n_lines, line_bytes;
	bool history_known;		/* read back from the archive since the start */
	bool locked;			/* new, until its owner has configured it */
	bool unsaved;			/* room_account.c: to be saved when the store's thread works */
	bool going;			/* its end is being written: nobody comes in, nothing is said */
};

struct occupant {
	struct room *room;
	struct str nick, skeleton, bare, address;	/* address: room@service/nick */
	enum room_role role;
	struct str id;			/* XEP-0421 */
	struct list devices;
	unsigned n_devices;
};

struct device {
	struct occupant *occupant;
	struct list of_occupant, of_client;
	struct list of_stale;		/* its stored seat has an older presence: place in rooms->stale; empty: it has not */
	struct str full;
	uint64_t session_id;		/* 0: of another domain */
	struct session *found;		/* it, as it was found last: good while server->session_ends is 'ends' (room_session) */
	uint64_t found_id, ends;
	uint64_t entry;			/* which of the room's entries it was */
	bool kept;			/* has a stored seat */
	struct str presence;		/* <presence/> as it was shown last: from the occupant, without 'to' and <x/> */
};

struct client {				/* a full JID and the rooms it is in */
	struct list devices;
	unsigned n;
};

struct rooms {
	struct server *server;
	struct str domain;
	struct map *all;		/* local part -> struct room */
	struct map *clients;		/* full JID -> struct client */
	uint8_t id_key[32];		/* for occupant ids */
	struct loop_timer seats, started, stale_timer;
	struct list stale;		/* devices */
	struct arena *gone_arena;	/* accounts that were removed while no server ran; until the first turn of the loop */
	struct vault_item *gone;
	size_t n_gone;
	struct room_wrong { uint64_t who, when_ms; } wrong[ROOMS_WRONG_KEPT];	/* passwords; the oldest makes room */
	size_t wrong_at;
};

struct room_save;

/* A copy in own memory; .p NULL when there is none to be had. Replaces *s. */
MUST_CHECK int room_text_set(struct str *s, struct str text);
void room_text_free(struct str *s);

struct room *room_find(const struct rooms *rs, struct str local);
/* Empty, with the default configuration, locked. */
MUST_CHECK int room_new(struct rooms *rs, struct str local, struct room **ret);
void room_free(struct room **r);			/* nobody must be in it */

enum room_affiliation room_affiliation_of(const struct room *r, struct str bare);
const char *room_affiliation_name(enum room_affiliation a);
const char *room_role_name(enum room_role role);
bool room_affiliation_parse(struct str text, enum room_affiliation *ret);
bool room_role_parse(struct str text, enum room_role *ret);
/* What one has on entering with that affiliation. */
enum room_role room_default_role(const struct room *r, enum room_affiliation a);
/* Changes the list alone; ROOM_STRANGER removes. ERR_LIMIT. The caller saves and tells. */
MUST_CHECK int room_grant(struct room *r, struct str bare, enum room_affiliation a, struct str nick, struct str reason);
/* The nick that is kept for somebody is free again; he stays what he is. */
void room_unreserve(struct room *r, struct str bare);
/* Does somebody but bare have this nick, or one that looks like it, or is one kept for somebody else? */
bool room_nick_taken(const struct room *r, struct arena *a, struct str nick, struct str bare);
unsigned room_owners(const struct room *r);
/* Not too long, and to be seen: no spaces at its ends (XEP-0045, business rules: addresses). */
bool room_nick_fits(struct str nick);
unsigned room_owned_by(const struct rooms *rs, struct str bare);

struct occupant *room_by_nick(const struct room *r, struct arena *a, struct str nick);	/* exactly this nick */
/* Whoever has this nick or one that looks like it. */
struct occupant *room_lookalike(const struct room *r, struct arena *a, struct str nick);
struct occupant *room_by_bare(const struct room *r, struct str bare);		/* first found */
struct device *room_device(const struct room *r, struct str full);
size_t room_occupants(const struct room *r);

MUST_CHECK int room_enter(struct room *r, struct arena *a, struct str nick, const struct jid *who, uint64_t session_id,
			  struct device **ret);
/* Takes the device out; the occupant too when it was its last (then *ret_last). */
void room_leave(struct device *d, bool *ret_last);
MUST_CHECK int room_rename(struct occupant *o, struct arena *a, struct str nick);

/* Its session, or NULL: of another domain, or gone. */
struct session *room_session(struct device *d);
/* Writes <xml without 'to'> to a device, with its address put in. bytes begin with <message, <presence or <iq. */
void room_send(struct rooms *rs, const struct device *d, struct str bytes);
/* The same for a tree (its 'to' is set here). */
void room_send_node(struct rooms *rs, struct arena *a, const struct device *d, struct node *n);
MUST_CHECK int room_write(struct buf *b, const struct node *n);

/* room_wall.c: walls of the company. Is somebody there, or has a place as high as his own, whom a wall keeps from him? */
bool room_wall_bars(const struct room *r, struct str bare);
/* Another policy: whom a wall parts now no longer sit together. */
void room_wall_policy(struct server *srv);

/* room_store.c: persistent rooms outlive a restart, the others as long as somebody is in them. */
MUST_CHECK int room_store_load(struct rooms *rs, struct vault *v);
void room_store_save(struct room *r);			/* behind */
void room_store_remove(struct room *r);
/* Saves it, and answers the request when it is on disk. Returns what a handler returns. */
MUST_CHECK int room_store_answer(struct iq *iq, const struct room *r);
/* Saves it; then fn(ctx, err), on the loop's thread. An error here: fn is not called. */
MUST_CHECK int room_store_then(struct room *r, void (*fn)(void *ctx, int err), void *ctx);
/* The same in a transaction of the caller's: as it is now (or its removal), written on the store's thread, ended here. */
MUST_CHECK int room_store_begin(const struct room *r, bool removal, struct room_save **ret);
MUST_CHECK int room_store_put(struct vault *v, struct room_save *s);
void room_store_end(struct room_save **s, int err);
/* The value of its row, which stands beside the room's (ITEM_TOPIC). */
MUST_CHECK int room_store_topic(struct arena *a, const struct room_topic *topic, struct str *ret);
/* room_seat.c: so do seats of who can come back. */
void room_seat_keep(struct device *d);
void room_seat_keep_all(struct occupant *o);
void room_seat_give_up(struct device *d);
/* Its presence has changed: that is written a little later, with what others of it change in the meantime. */
void room_seat_stale(struct device *d);
/* At the end of a server, when the store's thread has ended. */
void room_seat_stop(struct rooms *rs);
MUST_CHECK int room_seat_load(struct room *r, struct vault *v);
void room_seat_restored(struct rooms *rs, struct session *s);
/* Whoever is not back in time has left. */
void room_seat_wait(struct rooms *rs);
/* Reads the history back; then fn(ctx). Once a room. */
MUST_CHECK int room_store_history(struct room *r, void (*fn)(void *ctx), void *ctx);

/* room_presence.c */
struct room_change {			/* why somebody's presence changes */
	unsigned statuses[6];
	unsigned n_statuses;
	struct str actor_nick, reason, new_nick;
	struct str destroy;		/* <destroy/> as XML; empty: none */
};
enum trip_next room_presence(struct trip *t, struct room *r);	/* r NULL: there is none yet */
struct str room_presence_failure(const struct trip *t);	/* the reason beside 333: a sentence in t's arena */
/* Shows an occupant's present state to everybody in the room. */
void room_presence_show(struct occupant *o, const struct room_change *why);
/* Takes an occupant out with everything that is told: kick 307, ban 301, 321, 322, 332, nick NULL. */
void room_presence_remove(struct occupant *o, const struct room_change *why);
/* said: its own last presence, or NULL. */
void room_presence_left(struct device *d, const struct room_change *why, const struct node *said);
/* After an affiliation or a role changed: its role follows, everybody is told, or it is out. */
void room_presence_changed(struct room *r, struct str bare, const struct room_change *why);

/* room_message.c */
enum trip_next room_message_admit(struct trip *t, struct room *r);
int room_message_plan(struct trip *t, struct room *r);
int room_message_write(struct vault *v, struct trip *t);
enum trip_next room_message_deliver(struct trip *t, struct room *r);
/* The history and the subject, to one who joined. max etc. from <history/>, which may be NULL. */
void room_message_history(struct room *r, struct device *d, const struct node *history);
void room_message_subject(struct room *r, struct device *d, struct arena *a);
void room_message_remember(struct room *r, uint64_t when_ms, struct str stanza);
MUST_CHECK int room_message_topic(struct room *r, const struct room_topic *topic);
/* The line with this stanza-id is not shown to newcomers any more. */
void room_message_forget(struct room *r, struct str id);
void room_message_forget_all(struct room *r);
/* A message of the room itself to everybody in it (status codes and the like). */
void room_message_all(struct room *r, struct arena *a, struct node *m);

/* room_account.c */
void room_account_removed(struct server *srv, struct str bare);
MUST_CHECK int room_account_load(struct rooms *rs, struct vault *v);
void room_account_stop(struct rooms *rs);
/* What the sender may do as: his affiliation; in a room whose last owner is gone, the company's administrators own it. */
enum room_affiliation room_account_rank(const struct trip *t, const struct room *r);

/* room_hats.c */
struct vault_unpack;
uint32_t room_hats_of(const struct room *r, struct str bare);
bool room_hats_drop(struct room *r, struct str bare);		/* true: he wore some */
void room_hats_free(struct room *r);
/* Adds <hats/> to presence when there are any. */
MUST_CHECK int room_hats_show(const struct room *r, struct str bare, bool external, struct arena *a, struct node *presence);
struct str room_hats_hash(const struct room *r, struct arena *a);	/* empty: there are none */
void room_hats_pack(const struct room *r, struct buf *b);
MUST_CHECK int room_hats_unpack(struct room *r, struct vault_unpack *u);
MUST_CHECK int room_hats_items(struct iq *iq, struct node *query, const struct room *r);
int room_hats_on(struct iq *iq);

/* room_retract.c: who takes back what; t->service_data is its until the message is planned. */
struct room_retraction;
enum trip_next room_retract_admit(struct trip *t, const struct room *r, const struct occupant *o);
MUST_CHECK int room_retract_write(struct vault *v, const struct room_retraction *k);	/* k NULL: nothing */
void room_retract_done(struct room *r, const struct room_retraction *k);
/* What stands in the archive under this id: a message, or its tombstone. ERR_NOT_FOUND. */
MUST_CHECK int room_retract_said(struct vault *v, struct str room, uint64_t id, uint64_t since_ms, struct arena *a, struct node **ret);
/* <retracted/> in the place of what was said. */
MUST_CHECK int room_retract_tombstone(struct arena *a, const struct node *said, struct node *retracted, struct str *ret);

/* room_purge.c: core/service.h's purged(). */
struct purge_copy;
void room_purge(struct server *srv, const struct purge_copy *c, void (*settled)(void *ctx, int err), void *ctx);

/* room_invite.c: acts at once and passes on what it makes; nothing of the message itself is delivered. */
enum trip_next room_invite_admit(struct trip *t, struct room *r, const struct occupant *o);

/* room_iq.c and what answers for its namespaces */
enum trip_next room_iq_forward(struct trip *t, struct room *r);

int room_iq_ping(struct iq *iq);
int room_iq_ping_occupant(struct iq *iq);
int room_admin_on(struct iq *iq);		/* muc#admin: roles and affiliations */
void room_owner_tell(struct iq *iq, struct room *r);	/* 104: its configuration has changed */
int room_owner_on(struct iq *iq);		/* muc#owner: configuration, destruction */
int room_avatar_on(struct iq *iq);		/* vcard-temp of the room itself (XEP-0486) */
int room_register_on(struct iq *iq);		/* jabber:iq:register: a reserved nick */
int room_disco_info(struct iq *iq);
int room_disco_items(struct iq *iq);
struct rooms *rooms_of(const struct server *srv);
int room_archive_access(struct iq *iq, struct str *ret_owner, uint64_t *ret_since_ms);
int room_archive_moderate(struct iq *iq);	/* XEP-0425 */
/* The room an iq is addressed to, or NULL. */
struct room *rooms_addressed(const struct iq *iq);
/* The room is empty and not persistent: it goes. True when it is gone. */
bool rooms_settle(struct room *r);
/* When it is on disk: everybody out with <destroy/>, forgotten, its archive stays with the company; then the request is
 * answered. Returns what a handler returns. */
MUST_CHECK int rooms_destroy(struct iq *iq, struct room *r, struct str destroy_xml);

#endif
