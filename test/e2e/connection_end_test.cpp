// How connections end: that the server tells so exactly once, and that it can let them end by themselves.
#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "e2e/local_server.hpp"
#include "support/catch.hpp"
#include "support/daemon.hpp"
#include "support/processes.hpp"

namespace nsenterd::test {
namespace {

using std::chrono::milliseconds;

std::string call_text(const std::string& method, const Json& parameters = Json::object(), bool more = false) {
  return Json{{"method", method}, {"parameters", parameters}, {"more", more}}.dump() + '\0';
}

/// A server with one client that has made a call.
struct Pair {
  LocalServer server;
  std::optional<RawClient> client;
  const varlink::Peer* peer = nullptr;

  explicit Pair(const varlink::Limits& limits = {}) : server(limits), client(server.socket()) {
    client->call("test.Echo");
    peer = server.run([this] { return server.peers.front().get(); });
  }

  void begin_wait() {
    client->send(call_text("test.Wait"));
    REQUIRE(wait_until([this] { return server.calls_under_way() == 1; }));
  }

  /// Whether the connection ends now, if it has not yet, is told of once, and leaves nothing.
  [[nodiscard]] bool ends_once() {
    if (!wait_until([this] { return server.run([this] { return server.ended_in_all > 0; }); })) return false;
    client.reset();
    const bool nobody_left = server.connections() == 0;
    server.run([this] { server.server().stop(); });
    return server.run([this] { return server.ended_in_all == 1 && server.ended[peer] == 1; }) && nobody_left;
  }
};

TEST_CASE("that a connection has ended is told exactly once, whoever ends it", "[e2e]") {
  Pair pair({.message_time = milliseconds(100), .reply_time = milliseconds(100), .output = 2U << 20U});
  LocalServer& server = pair.server;
  RawClient& client = *pair.client;
  SECTION("the client, while idle") {
    pair.client.reset();
  }
  SECTION("the client, half-way in a message") {
    client.send("{");
    pair.client.reset();
  }
  SECTION("the client, with a call under way") {
    pair.begin_wait();
    pair.client.reset();
  }
  SECTION("the client, its sending half only") {
    pair.begin_wait();
    ::shutdown(client.descriptor(), SHUT_WR);
  }
  SECTION("the client, with calls sent ahead") {
    client.send(call_text("test.Wait") + call_text("test.Wait") + "{");
    pair.client.reset();
  }
  SECTION("the client, with a reply pending") {
    client.send(call_text("test.Echo", {{"size", 1U << 20U}}));
    pair.client.reset();
  }
  SECTION("a message that is none") {
    client.send(std::string(1, '\0'));
  }
  SECTION("a descriptor in the wrong place, with a call under way") {
    pair.begin_wait();
    client.send("{", {0});
  }
  SECTION("a message that does not arrive") {
    client.send("{");
  }
  SECTION("a reply that is not read") {
    client.send(call_text("test.Echo", {{"size", 1U << 20U}}));
  }
  SECTION("replies over the limit") {
    client.send(call_text("test.Flood", {{"size", 1U << 20U}, {"count", 100}}, true));
  }
  SECTION("a call that is dropped") {
    client.send(call_text("test.Drop"));
  }
  SECTION("stop()") {
    server.run([&] { server.server().stop(); });
  }
  SECTION("stop() with a call under way") {
    pair.begin_wait();
    server.run([&] { server.server().stop(); });
    CHECK(server.run([&] { return server.abandoned; }) == 1);
  }
  SECTION("drain()") {
    server.run([&] { server.server().drain([] {}); });
  }
  CHECK(pair.ends_once());
}

TEST_CASE("that connections have ended is told also when the server is destroyed", "[e2e]") {
  Pair pair;
  RawClient other(pair.server.socket());
  other.call("test.Echo");
  pair.begin_wait();
  pair.server.run([&] { pair.server.destroy_server(); });
  CHECK(pair.server.run([&] { return pair.server.ended_in_all; }) == 2);
  CHECK(pair.server.run([&] { return pair.server.ended[pair.peer]; }) == 1);
  CHECK_FALSE(pair.client->receive());
}

TEST_CASE("the end of connections that may not call is told of, not of those not admitted", "[e2e]") {
  LocalServer server({.connections_of_user = 1});
  server.run([&] { server.authorizes = false; });
  RawClient admitted(server.socket());
  CHECK(Json::parse(*RawClient(server.socket()).receive())["error"] == "test.Overloaded");
  admitted.send("x");
  CHECK(Json::parse(*admitted.receive())["error"] == "org.varlink.service.PermissionDenied");
  CHECK(wait_until([&] { return server.connections() == 0; }));
  CHECK(server.run([&] { return server.ended_in_all; }) == 1);
}

TEST_CASE("handlers may stop the server that calls them", "[e2e]") {
  Pair pair;
  LocalServer& server = pair.server;
  RawClient other(server.socket());
  other.call("test.Echo");
  pair.begin_wait();
  server.run([&] { server.waiting[0]->on_abandoned([&] { server.server().stop(); }); });
  pair.client.reset();
  CHECK_FALSE(other.receive());
  CHECK(wait_until([&] { return server.connections() == 0; }));
  CHECK(server.run([&] { return server.ended_in_all; }) == 2);
}

TEST_CASE("connections that have ended count no more, and leave no descriptor", "[e2e]") {
  LocalServer server({.connections_of_user = 3});
  RawClient(server.socket()).call("test.Echo");
  REQUIRE(wait_until([&] { return server.connections() == 0; }));
  server.run([&] { server.peers.clear(); });
  const auto before = open_descriptors();
  for (int round = 0; round < 50; ++round) {
    RawClient leaves(server.socket());
    RawClient is_refused(server.socket());
    RawClient is_waiting(server.socket());
    CHECK(leaves.call("test.Echo").contains("parameters"));
    is_refused.send(std::string(1, '\0'), {0});
    CHECK(is_refused.receive());
    is_waiting.send(call_text("test.Wait"), {0});
    REQUIRE(wait_until([&] { return server.calls_under_way() == 1; }));
    leaves.close();
    is_waiting.close();
    REQUIRE(wait_until([&] { return server.connections() == 0; }));
    server.run([&] {
      server.waiting.clear();
      server.peers.clear();
    });
  }
  // What came with the calls is closed by other threads.
  CHECK(wait_until([&] { return open_descriptors() == before; }));
}

/// Drains, and counts how often it was said to be done.
class Drain {
 public:
  explicit Drain(LocalServer& server) : server_(server) {
    server_.run([this] { server_.server().drain([this] { ++done_; }); });
  }
  int done() {
    return server_.run([this] { return done_; });
  }

 private:
  LocalServer& server_;
  int done_ = 0;
};

TEST_CASE("draining ends at once what has nothing under way", "[e2e]") {
  LocalServer server;
  SECTION("no connection at all") {}
  SECTION("connections idle, and half-way in a message") {
    RawClient idle(server.socket());
    RawClient partial(server.socket());
    partial.send("{");
    idle.call("test.Echo");
    REQUIRE(wait_until([&] { return server.connections() == 2; }));
    Drain drain(server);
    CHECK(drain.done() == 1);
    CHECK_FALSE(idle.receive());
    CHECK_FALSE(partial.receive());
  }
  Drain drain(server);
  CHECK(drain.done() == 1);
  CHECK(server.connections() == 0);
  CHECK_THROWS(RawClient(server.socket()));
  server.run([&] { server.server().stop(); });
  CHECK(drain.done() == 1);
}

TEST_CASE("draining waits for the call under way, and begins no other", "[e2e]") {
  Pair pair;
  LocalServer& server = pair.server;
  pair.client->send(call_text("test.Flood", {{"count", 1}}, true) + call_text("test.Wait"));
  REQUIRE(wait_until([&] { return server.calls_under_way() == 1; }));
  CHECK(pair.client->receive());
  RawClient other(server.socket());
  other.send(call_text("test.Wait"));
  REQUIRE(wait_until([&] { return server.calls_under_way() == 2; }));
  Drain drain(server);
  server.run([&] { server.waiting[0]->reply_continues("{}"); });
  CHECK(pair.client->receive());
  server.run([&] { server.waiting[1]->reply(); });
  CHECK(other.receive());
  CHECK_FALSE(other.receive());
  CHECK(server.connections() == 1);
  CHECK(drain.done() == 0);
  server.answer();
  CHECK(pair.client->receive());
  CHECK_FALSE(pair.client->receive());
  CHECK(server.calls_under_way() == 0);
  CHECK(drain.done() == 1);
}

TEST_CASE("draining waits until the last reply has been read", "[e2e]") {
  Pair pair;
  LocalServer& server = pair.server;
  constexpr std::size_t kSize = 4U << 20U;
  SECTION("one that was pending already") {
    pair.client->send(call_text("test.Echo", {{"size", kSize}}) + call_text("test.Wait"));
    REQUIRE(wait_until([&] { return server.run([&] { return server.calls; }) == 2; }));
    Drain drain(server);
    CHECK(server.connections() == 1);
    const auto reply = pair.client->receive();
    REQUIRE(reply);
    CHECK(reply->size() > kSize);
    CHECK_FALSE(pair.client->receive());
    CHECK(drain.done() == 1);
  }
  SECTION("one that is still to come") {
    pair.begin_wait();
    Drain drain(server);
    server.run([&] { server.waiting[0]->reply(Json{{"data", std::string(kSize, 'x')}}.dump()); });
    CHECK(drain.done() == 0);
    const auto reply = pair.client->receive();
    REQUIRE(reply);
    CHECK(reply->size() > kSize);
    CHECK_FALSE(pair.client->receive());
    CHECK(drain.done() == 1);
  }
  CHECK(server.calls_under_way() <= 1);
}

TEST_CASE("draining is over when the last client goes, is too slow, or is ended", "[e2e]") {
  Pair pair({.reply_time = milliseconds(100)});
  LocalServer& server = pair.server;
  std::optional<Drain> drain;
  SECTION("goes") {
    pair.begin_wait();
    drain.emplace(server);
    pair.client.reset();
  }
  SECTION("is too slow") {
    pair.client->send(call_text("test.Echo", {{"size", 1U << 20U}}));
    REQUIRE(wait_until([&] { return server.run([&] { return server.calls; }) == 2; }));
    drain.emplace(server);
    CHECK(drain->done() == 0);
  }
  SECTION("made a oneway call") {
    pair.client->send(Json{{"method", "test.Wait"}, {"oneway", true}}.dump() + '\0');
    REQUIRE(wait_until([&] { return server.calls_under_way() == 1; }));
    drain.emplace(server);
    server.answer();
  }
  SECTION("is dropped") {
    pair.begin_wait();
    drain.emplace(server);
    server.run([&] { server.waiting.clear(); });
  }
  SECTION("is ended by stop()") {
    pair.begin_wait();
    drain.emplace(server);
    CHECK(drain->done() == 0);
    server.run([&] { server.server().stop(); });
    CHECK(drain->done() == 1);
  }
  CHECK(wait_until([&] { return drain->done() == 1; }));
  CHECK(pair.ends_once());
  CHECK(drain->done() == 1);
}

}  // namespace
}  // namespace nsenterd::test
