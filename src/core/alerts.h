/* alerts.h - what officers and administrators are told by the bot, each kind at most once a minute (bot_alert). */
#ifndef CORE_ALERTS_H
#define CORE_ALERTS_H

enum bot_alert { BOT_ALERT_OUTBREAK, BOT_ALERT_FREEZE, BOT_ALERT_REQUESTS, BOT_ALERT_REPORTS, BOT_ALERT_SCANNER,
		 BOT_ALERT_KEYS, BOT_ALERT_FILE, BOT_ALERT_BREAKER, BOT_ALERTS };
#define BOT_ALERT_MS 60000

#endif
