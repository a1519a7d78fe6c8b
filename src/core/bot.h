/* bot.h - guard@DOMAIN and helpdesk@DOMAIN: the server's own voice and the way to a human. */
#ifndef CORE_BOT_H
#define CORE_BOT_H

#include "core/alerts.h"
#include "core/trip.h"

/* One plain sentence from the bot to an account. */
void bot_tell(struct server *srv, struct str bare, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* One line from the bot to every officer and administrator. Each kind once in BOT_ALERT_MS; what came in between is counted. */
void bot_alert(struct server *srv, enum bot_alert kind, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* A message to the bot: commands (operator-interface.md). */
void bot_message(struct trip *t);
/* Somebody has reported somebody (XEP-0377): the same people are told as by a message to the help desk, and the reporter. */
void bot_report(struct server *srv, struct str from, struct str text);
/* A message to the help desk: goes to every account with the role helpdesk, officer or admin. */
void bot_helpdesk(struct trip *t);

#endif
