// gloox_bot.cpp - a client made with gloox, as gateways and bots are: answers, joins a room, says what it hears.
//
// use: gloox_bot JID PASSWORD HOST PORT CAFILE ROOM/NICK
#include <cstdlib>
#include <iostream>
#include <string>

#include <gloox/client.h>
#include <gloox/connectionlistener.h>
#include <gloox/connectiontcpclient.h>
#include <gloox/message.h>
#include <gloox/messagehandler.h>
#include <gloox/mucroom.h>
#include <gloox/mucroomhandler.h>

using namespace gloox;

class Bot : public ConnectionListener, public MessageHandler, public MUCRoomHandler {
public:
	Bot(const JID &jid, const std::string &password, const std::string &host, int port, const std::string &ca, const JID &room)
		: client(jid, password), muc(&client, room, this, nullptr)
	{
		client.registerConnectionListener(this);
		client.registerMessageHandler(this);
		client.setTls(TLSRequired);
		client.setCACerts(StringList{ca});
		client.setConnectionImpl(new ConnectionTCPClient(&client, client.logInstance(), host, port));
	}

	void run() { client.connect(); }

	void onConnect() override
	{
		std::cout << "connected" << std::endl;
		muc.join();
	}
	void onDisconnect(ConnectionError e) override { std::cout << "disconnected " << e << " " << client.authError() << std::endl; }
	bool onTLSConnect(const CertInfo &info) override
	{
		std::cout << "tls " << info.protocol << std::endl;
		return true;
	}

	void handleMessage(const Message &m, MessageSession *) override
	{
		if (m.body().empty() || m.subtype() == Message::Error)
			return;
		if (m.body() == "quit")
			client.disconnect();
		else
			client.send(Message(Message::Chat, m.from(), "gloox heard: " + m.body()));
	}

	void handleMUCParticipantPresence(MUCRoom *, const MUCRoomParticipant p, const Presence &) override
	{
		if (p.flags & UserSelf)
			std::cout << "in the room" << std::endl;
	}
	void handleMUCMessage(MUCRoom *room, const Message &m, bool) override
	{
		if (m.from().resource() != room->nick() && !m.body().empty() && !m.when())
			room->send("gloox heard: " + m.body());
	}
	bool handleMUCRoomCreation(MUCRoom *) override { return true; }
	void handleMUCSubject(MUCRoom *, const std::string &, const std::string &) override {}
	void handleMUCInviteDecline(MUCRoom *, const JID &, const std::string &) override {}
	void handleMUCError(MUCRoom *, StanzaError e) override { std::cout << "room error " << e << std::endl; }
	void handleMUCInfo(MUCRoom *, int, const std::string &, const DataForm *) override {}
	void handleMUCItems(MUCRoom *, const Disco::ItemList &) override {}

private:
	Client client;
	MUCRoom muc;
};

int main(int argc, char **argv)
{
	if (argc != 7)
		return 2;
	Bot bot{JID(argv[1]), argv[2], argv[3], std::atoi(argv[4]), argv[5], JID(argv[6])};
	bot.run();
	return 0;
}
