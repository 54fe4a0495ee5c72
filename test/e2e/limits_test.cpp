// Slow and greedy clients: what they may take, in time and memory, and that others are served meanwhile.
#include <algorithm>
#include <array>
#include <chrono>
#include <sstream>
#include <thread>

#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "e2e/local_server.hpp"
#include "support/catch.hpp"
#include "support/daemon.hpp"
#include "support/precondition.hpp"
#include "support/processes.hpp"

namespace nsenterd::test {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr char kGetInfo[] = "org.varlink.service.GetInfo";

std::string call_text(const std::string& method, const Json& parameters = Json::object(), bool more = false) {
  return Json{{"method", method}, {"parameters", parameters}, {"more", more}}.dump() + '\0';
}

void sleep_for(milliseconds time) {
  std::this_thread::sleep_for(time);
}

milliseconds since(Clock::time_point start) {
  return std::chrono::duration_cast<milliseconds>(Clock::now() - start);
}

/// Whether the server has closed the connection, without a word.
bool is_closed(const RawClient& client) {
  char byte = 0;
  return ::recv(client.descriptor(), &byte, 1, MSG_DONTWAIT) == 0 || errno == ECONNRESET;
}

bool all_are_closed(const std::vector<RawClient>& clients) {
  return std::all_of(clients.begin(), clients.end(), is_closed);
}

/// The longest that a call took, of those made until the time was over.
milliseconds longest_call(RawClient& client, const char* method, milliseconds time) {
  milliseconds longest{0};
  for (const auto start = Clock::now(); since(start) < time; sleep_for(milliseconds(5))) {
    const auto called = Clock::now();
    client.call(method);
    longest = std::max(longest, since(called));
  }
  return longest;
}

/// Hundredths of seconds that a process has run (proc_pid_stat(5)).
long processor_time(pid_t pid) {
  const std::string stat = read_file(proc_path(pid, "stat"));
  std::istringstream fields(stat.substr(stat.rfind(')') + 1));
  std::string skipped;
  for (int field = 3; field < 14; ++field) fields >> skipped;
  long user = 0;
  long system = 0;
  fields >> user >> system;
  return user + system;
}

void raise_descriptor_limit() {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

TEST_CASE("1,000 connections at one byte a second keep nobody waiting, and are closed", "[e2e]") {
  raise_descriptor_limit();
  LocalServer server({.connections_of_user = 1024, .message_time = milliseconds(1500)});
  RawClient idle(server.socket());
  RawClient prompt(server.socket());
  const std::string call = call_text("test.Echo");
  std::vector<RawClient> slow;
  for (int i = 0; i < 1000; ++i) {
    slow.emplace_back(server.socket()).send(call.substr(0, 1));
    if (i % 50 == 0) prompt.call("test.Echo");
  }
  REQUIRE(wait_until([&] { return server.connections() == 1002; }));
  CHECK(longest_call(prompt, "test.Echo", milliseconds(950)) < milliseconds(500));
  for (RawClient& client : slow) client.send(call.substr(1, 1));
  CHECK(longest_call(prompt, "test.Echo", milliseconds(1500)) < milliseconds(500));
  CHECK(wait_until([&] { return server.connections() == 2; }));
  CHECK(all_are_closed(slow));
  CHECK(idle.call("test.Echo").contains("parameters"));
}

TEST_CASE("a message that never ends is cut off by the clock, however fast it comes", "[e2e]") {
  LocalServer server({.message_time = milliseconds(300)});
  RawClient client(server.socket());
  client.send(R"({"method":"test.Echo","parameters":{"x":")");
  const auto start = Clock::now();
  const std::string piece(1024, 'x');
  while (client.send(piece) && since(start) < seconds(5)) sleep_for(milliseconds(10));
  CHECK(since(start) >= milliseconds(290));
  CHECK(since(start) < seconds(5));
  CHECK(is_closed(client));
}

TEST_CASE("every message has a time of its own, which a call under way does not use up", "[e2e]") {
  LocalServer server({.message_time = milliseconds(400)});
  RawClient client(server.socket());
  const std::string call = call_text("test.Echo");
  // The end of one comes with the beginning of the next.
  client.send(call.substr(0, 1));
  for (int i = 0; i < 5; ++i) {
    sleep_for(milliseconds(200));
    client.send(call.substr(1) + call.substr(0, 1));
    REQUIRE(client.receive());
  }
  const std::string wait = call_text("test.Wait");
  client.send(call.substr(1) + wait.substr(0, 1));
  REQUIRE(client.receive());
  client.send(wait.substr(1) + "{");
  REQUIRE(wait_until([&] { return server.calls_under_way() == 1; }));
  sleep_for(milliseconds(600));
  server.answer();
  CHECK(client.receive());
  // Now it has.
  CHECK_FALSE(client.receive());
}

TEST_CASE("who may not call has no time to stay, and leaves room for those who may", "[e2e]") {
  LocalServer server({.connections = 8, .message_time = milliseconds(300)});
  server.run([&] { server.authorizes = false; });
  std::vector<RawClient> strangers;
  for (int i = 0; i < 8; ++i) strangers.emplace_back(server.socket());
  for (int i = 4; i < 8; ++i)
    CHECK(Json::parse(*strangers[static_cast<std::size_t>(i)].receive())["error"] == "test.Overloaded");
  CHECK(server.connections() == 4);
  server.run([&] { server.authorizes = true; });
  CHECK(RawClient(server.socket()).call("test.Echo").contains("parameters"));
  CHECK(wait_until([&] { return server.connections() == 0; }));
}

TEST_CASE("a client that reads nothing of its replies is disconnected", "[e2e]") {
  LocalServer server({.reply_time = milliseconds(300)});
  RawClient client(server.socket());
  const auto start = Clock::now();
  // The second is not begun while the first is pending.
  client.send(call_text("test.Echo", {{"size", 1U << 20U}}) + call_text("test.Wait"));
  REQUIRE(wait_until([&] { return server.run([&] { return server.calls == 1; }); }));
  CHECK(wait_until([&] { return server.connections() == 0; }));
  CHECK(since(start) >= milliseconds(290));
  CHECK(server.calls_under_way() == 0);
}

TEST_CASE("a client that stops reading half-way is disconnected as well", "[e2e]") {
  LocalServer server({.reply_time = milliseconds(300)});
  RawClient client(server.socket());
  client.send(call_text("test.Echo", {{"size", 1U << 20U}}));
  sleep_for(milliseconds(50));
  // Too little for the kernel to tell of it: the server finds the room when it looks.
  std::string some(64U << 10U, '\0');
  CHECK(::recv(client.descriptor(), some.data(), some.size(), 0) > 0);
  CHECK(wait_until([&] { return server.run([&] { return server.ended_in_all == 1; }); }));
}

TEST_CASE("a client that reads slowly is served to the end", "[e2e]") {
  LocalServer server({.reply_time = milliseconds(400)});
  RawClient client(server.socket());
  constexpr std::size_t kSize = 640U << 10U;
  client.send(call_text("test.Echo", {{"size", kSize}}));
  // So slowly that the kernel does not tell of room in time.
  std::string reply(kSize + 64, '\0');
  std::size_t size = 0;
  ssize_t got = 0;
  do {
    sleep_for(milliseconds(100));
    got = ::recv(client.descriptor(), reply.data() + size, 32U << 10U, 0);
    size += static_cast<std::size_t>(std::max(got, ssize_t{0}));
  } while (got > 0 && reply[size - 1] != '\0');
  REQUIRE(got > 0);
  CHECK(Json::parse(reply.substr(0, size - 1))["parameters"]["data"].get_ref<std::string&>().size() == kSize);
  CHECK(client.call("test.Echo").contains("parameters"));
}

TEST_CASE("replies that follow each other unread end the connection at the limit", "[e2e]") {
  LocalServer server({.output = 4U << 20U});
  RawClient client(server.socket());
  client.send(call_text("test.Flood", {{"size", 1U << 20U}, {"count", 100}}, true));
  CHECK(wait_until([&] { return server.run([&] { return server.abandoned == 1; }); }));
  CHECK(server.connections() == 0);
  // What has gone to the socket counts as long as its reply is not gone whole.
  CHECK(server.run([&] { return server.flooded; }) == 4);
  // What is read in time has no limit.
  RawClient reader(server.socket());
  reader.send(call_text("test.Flood", {{"size", 1U << 20U}, {"count", 3}}, true));
  for (int i = 0; i < 3; ++i) CHECK(reader.receive());
}

TEST_CASE("calls sent ahead by the thousand let others have their turn", "[e2e]") {
  LocalServer server({.message = 32U << 20U});
  RawClient greedy(server.socket());
  RawClient prompt(server.socket());
  greedy.send(call_text("test.Wait"));
  REQUIRE(wait_until([&] { return server.calls_under_way() == 1; }));
  const std::string oneway = Json{{"method", "test.Echo"}, {"oneway", true}}.dump() + '\0';
  std::string calls;
  while (calls.size() < (16U << 20U)) calls += oneway;
  greedy.send(calls);
  const auto before = server.run([&] { return server.calls; });
  server.answer();
  const auto called = Clock::now();
  prompt.call("test.Echo");
  const auto took = since(called);
  CHECK(took < milliseconds(250));
  // They were under way then, and every one is served in the end.
  const std::size_t all = before + 1 + calls.size() / oneway.size();
  CHECK(server.run([&] { return server.calls; }) < all);
  CHECK(wait_until([&] { return server.run([&] { return server.calls; }) == all; }, seconds(20)));
}

/// Sends ahead of a call under way until the server reads no more. Returns how many bytes it took.
std::size_t send_ahead(const RawClient& client, const std::string& calls) {
  std::size_t taken = 0;
  for (auto last = Clock::now(); taken < calls.size() && since(last) < milliseconds(200);) {
    const ssize_t sent =
        ::send(client.descriptor(), calls.data() + taken, calls.size() - taken, MSG_DONTWAIT);
    if (sent < 0) {
      sleep_for(milliseconds(5));
      continue;
    }
    taken += static_cast<std::size_t>(sent);
    last = Clock::now();
  }
  return taken;
}

/// A client with a call under way that has sent more ahead than is read.
struct HeldBack {
  LocalServer server{{.message = 64U << 10U}};
  std::optional<RawClient> client{server.socket()};
  const std::string oneway = Json{{"method", "test.Echo"}, {"oneway", true}}.dump() + '\0';
  std::string calls;
  std::size_t taken = 0;

  HeldBack() {
    while (calls.size() < (4U << 20U)) calls += oneway;
    client->send(call_text("test.Wait"));
    taken = send_ahead(*client, calls);
  }
};

TEST_CASE("a client that sends too much ahead is held back, and its going away noticed", "[e2e]") {
  HeldBack held;
  CHECK(held.taken < (1U << 20U));
  REQUIRE(held.server.calls_under_way() == 1);
  held.client.reset();
  CHECK(wait_until([&] { return held.server.run([&] { return held.server.abandoned == 1; }); }));
  CHECK(held.server.connections() == 0);
}

TEST_CASE("a client that was held back once may leave when it has said everything", "[e2e]") {
  HeldBack held;
  held.server.answer();
  REQUIRE(held.client->receive());
  const std::size_t cut = held.taken % held.oneway.size();
  const std::size_t taken = 1 + held.taken / held.oneway.size();
  REQUIRE(wait_until([&] { return held.server.run([&] { return held.server.calls; }) == taken; }));
  std::string rest = held.oneway.substr(cut);
  for (int i = 0; i < 1000; ++i) rest += held.oneway;
  // In the server's thread: it finds all of this and the end at once.
  held.server.run([&] {
    held.client->send(rest);
    held.client.reset();
  });
  CHECK(wait_until([&] { return held.server.connections() == 0; }));
  CHECK(held.server.run([&] { return held.server.calls; }) == taken + 1001);
}

TEST_CASE("slow clients of the daemon are closed, whatever they are slow at", "[e2e][slow]") {
  NSENTERD_NEEDS(missing_root());
  const Daemon daemon;
  RawClient prompt(daemon.socket());
  prompt.call(kGetInfo);
  const auto before = descriptors_of(daemon.pid()).size();
  RawClient idle(daemon.socket());
  const std::string call = call_text(kGetInfo);
  std::vector<RawClient> slow;
  for (int i = 0; i < 200; ++i) slow.emplace_back(daemon.socket());
  std::vector<RawClient> unread;
  for (int i = 0; i < 20; ++i) {
    std::string calls;
    for (int n = 0; n < 400; ++n)
      calls += call_text("org.varlink.service.GetInterfaceDescription", {{"interface", "io.nsenterd"}});
    REQUIRE(unread.emplace_back(daemon.socket()).send(calls));
  }
  milliseconds longest{0};
  for (std::size_t second = 0; second < 10; ++second) {
    for (RawClient& client : slow) client.send(call.substr(second, 1));
    longest = std::max(longest, longest_call(prompt, kGetInfo, milliseconds(950)));
    if (second == 5) CHECK(descriptors_of(daemon.pid()).size() >= before + 221);
  }
  CHECK(longest < milliseconds(500));
  if (!kKeepsFreedMemory) CHECK(resident_memory(daemon.pid()) < 25 * 1024);
  CHECK(wait_until([&] { return all_are_closed(slow); }));
  // The daemon's end of an idle connection: its socket and its pidfd.
  CHECK(wait_until([&] { return descriptors_of(daemon.pid()).size() <= before + 2; }));
  CHECK(idle.call(kGetInfo).contains("parameters"));
}

TEST_CASE("without descriptors for new connections, those there are are served", "[e2e]") {
  NSENTERD_NEEDS(missing_root());
  const Daemon daemon;
  RawClient client(daemon.socket());
  client.call(kGetInfo);
  rlimit limit{};
  REQUIRE(::prlimit(daemon.pid(), RLIMIT_NOFILE, nullptr, &limit) == 0);
  // The first number that is free: those above stay open.
  rlimit none{0, limit.rlim_max};
  for (const int used : descriptors_of(daemon.pid()))
    none.rlim_cur += static_cast<rlim_t>(used) == none.rlim_cur;
  REQUIRE(::prlimit(daemon.pid(), RLIMIT_NOFILE, &none, nullptr) == 0);
  std::vector<RawClient> waiting;
  for (int i = 0; i < 10; ++i) waiting.emplace_back(daemon.socket()).send(call_text(kGetInfo));
  CHECK(longest_call(client, kGetInfo, milliseconds(300)) < milliseconds(500));
  const long used = processor_time(daemon.pid());
  sleep_for(milliseconds(500));
  CHECK(processor_time(daemon.pid()) - used <= 5);
  pollfd first{waiting.front().descriptor(), POLLIN, 0};
  CHECK(::poll(&first, 1, 0) == 0);
  REQUIRE(::prlimit(daemon.pid(), RLIMIT_NOFILE, &limit, nullptr) == 0);
  for (RawClient& other : waiting) CHECK(other.receive());
}

}  // namespace
}  // namespace nsenterd::test
