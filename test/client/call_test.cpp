// Calls of the clients, to a daemon and into a container.
#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_future.hpp>

#include "askers.hpp"
#include "support/catch.hpp"
#include "support/container.hpp"
#include "support/daemon.hpp"
#include "support/precondition.hpp"
#include "support/processes.hpp"

namespace nsenterd::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

const requests::ReadFile kSomaxconn{.path = "/proc/sys/net/core/somaxconn",
                                    .private_mounts = {.procfs = true}};

struct Served {
  Daemon daemon;
  UnshareContainer container;
  AskerKind kind = GENERATE(AskerKind::asynchronous, AskerKind::blocking);
  std::unique_ptr<Asker> asker = make_asker(kind, {.socket = daemon.socket()});

  Envelope envelope() const { return into(container.pid()); }
  /// As the daemon has it; the client that asks is one of them.
  Json statistics() { return RawClient(daemon.socket()).call("io.nsenterd.GetStatistics").at("parameters"); }
  bool is_idle() {
    return wait_until([&] { return statistics()["agentsRunning"] == 0; });
  }
};

TEST_CASE("a request has its response, by type") {
  NSENTERD_NEEDS(missing_for_containers());
  Served served;
  CHECK(served.asker->ask(served.envelope(), kSomaxconn).value() == "4096\n");
  const auto file = served.asker->ask(served.envelope(), requests::Lookup{"/proc"});
  REQUIRE(file.has_value());
  CHECK(S_ISDIR(file->status.st_mode));
}

TEST_CASE("an operation that fails is told with its errno") {
  NSENTERD_NEEDS(missing_for_containers());
  Served served;
  const auto failed = served.asker->ask(served.envelope(), requests::ReadFile{.path = "/does/not/exist"});
  CHECK(failure_of<OperationFailed>(failed).error == ENOENT);
  CHECK(errno_of(failed.error()) == ENOENT);
}

TEST_CASE("what the daemon refuses is told by its name") {
  NSENTERD_NEEDS(missing_for_containers());
  Served served;
  Envelope envelope = served.envelope();
  envelope.clone_flags = 1;
  CHECK(failure_of<InvalidParameter>(served.asker->ask(envelope, kSomaxconn)).parameter == "cloneFlags");
  (void)failure_of<PermissionDenied>(served.asker->ask(into(1), kSomaxconn));
  (void)failure_of<NoSuchTarget>(served.asker->ask(into(1 << 22), kSomaxconn));
  envelope.target = TargetEvent{"999"};
  (void)failure_of<NoSuchEvent>(served.asker->ask(envelope, kSomaxconn));
}

TEST_CASE("what JSON cannot carry is refused before anything is sent") {
  const auto kind = GENERATE(AskerKind::asynchronous, AskerKind::blocking);
  const auto asker = make_asker(kind, {.socket = "/nowhere"});
  const auto failed = asker->ask(into(1), requests::ReadFile{.path = "/\xff"});
  CHECK(failure_of<InvalidParameter>(failed).parameter == "request");
}

TEST_CASE("descriptors go both ways") {
  NSENTERD_NEEDS(missing_for_containers());
  Served served;
  const UniqueFd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, served.container.pid(), 0)));
  Envelope envelope = served.envelope();
  envelope.target = TargetPidfd{pidfd.get()};
  const std::size_t before = open_descriptors();
  {
    const auto file = served.asker->ask(envelope, requests::Openat2{.path = "/proc/sys/net/core/somaxconn"});
    REQUIRE(file.has_value());
    std::string content(16, '\0');
    CHECK(::read(file->get(), content.data(), content.size()) == 5);
    CHECK((::fcntl(file->get(), F_GETFD) & FD_CLOEXEC) != 0);
  }
  // The connection is kept, and with the asynchronous client what watches it.
  CHECK(open_descriptors() <= before + 4);

  envelope = {.namespaces = {Namespace::user, Namespace::mnt}};
  const auto net = open_namespace(served.container.pid(), Namespace::net);
  const auto root = open_root(served.container.pid());
  envelope.target = served.container.pid();
  envelope.namespace_descriptors[Namespace::net] = net->get();
  envelope.root = root->get();
  const auto link = served.asker->ask(
      envelope, requests::ReadLink{.path = "/proc/self/ns/net", .private_mounts = {.procfs = true}});
  REQUIRE(link.has_value());
  CHECK(*link == "net:[" + std::to_string(namespace_inode(served.container.pid(), "net")) + "]");
}

TEST_CASE("several requests of one event have a response each, up to the one that fails") {
  NSENTERD_NEEDS(missing_for_containers());
  Served served;
  Envelope envelope = served.envelope();
  envelope.following_requests = {requests::ReadFile{.path = "/does/not/exist"}.message(),
                                 kSomaxconn.message()};
  auto response = served.asker->send(envelope, kSomaxconn.message());
  REQUIRE(response.has_value());
  CHECK(response->message.type == "readFileResponse");
  REQUIRE(response->following.size() == 1);
  CHECK(response->following.front().type == "errorResponse");
}

TEST_CASE("a call that is cancelled ends its event") {
  NSENTERD_NEEDS(missing_for_containers());
  Served served;
  const auto begin = std::chrono::steady_clock::now();
  Envelope envelope = served.envelope();
  envelope.timeout = seconds(60);
  const auto cancelled =
      served.asker->send_cancelled(envelope, requests::Sleep{60}.message(), milliseconds(200));
  (void)failure_of<Cancelled>(cancelled);
  CHECK(errno_of(cancelled.error()) == EINTR);
  CHECK(std::chrono::steady_clock::now() - begin < seconds(30));
  CHECK(served.is_idle());
  CHECK(served.asker->ask(served.envelope(), kSomaxconn).has_value());
}

TEST_CASE("the daemon's deadline is the call's") {
  NSENTERD_NEEDS(missing_for_containers());
  Served served;
  Envelope envelope = served.envelope();
  envelope.timeout = milliseconds(100);
  (void)failure_of<TimedOut>(served.asker->ask(envelope, requests::Sleep{60}));
  CHECK(served.is_idle());
}

TEST_CASE("connections are used again, one after the other") {
  NSENTERD_NEEDS(missing_for_containers());
  Served served;
  for (int i = 0; i < 20; ++i) CHECK(served.asker->ask(served.envelope(), kSomaxconn).has_value());
  CHECK(served.statistics()["clients"] == 2);
}

TEST_CASE("calls under way have a connection each, of which some are kept") {
  NSENTERD_NEEDS(missing_for_containers());
  const Daemon daemon;
  const UnshareContainer container;
  boost::asio::io_context context;
  Client client(context.get_executor(), {.socket = daemon.socket(), .idle_connections = 3});
  constexpr int kCalls = 12;
  int answered = 0;
  int inside = 0;
  for (int i = 0; i < kCalls; ++i) {
    client.async_request(into(container.pid()), requests::Sleep{1},
                         [&](const auto& result) { answered += result.has_value() ? 1 : 0; });
    inside = answered;
  }
  // Nothing is told from within the call that starts it.
  CHECK(inside == 0);
  const auto begin = std::chrono::steady_clock::now();
  context.run();
  CHECK(answered == kCalls);
  CHECK(std::chrono::steady_clock::now() - begin < seconds(kCalls));
  const auto clients = [&] {
    return RawClient(daemon.socket())
        .call("io.nsenterd.GetStatistics")
        .at("parameters")
        .at("clients")
        .get<int>();
  };
  CHECK(wait_until([&] { return clients() == 3 + 1; }));
}

TEST_CASE("a call that fails at once is not told of from within the call that starts it") {
  boost::asio::io_context context;
  Client client(context.get_executor(), {.socket = "/nowhere", .patience = milliseconds(0)});
  int told = 0;
  const auto tell = [&](const auto& /*result*/) { ++told; };
  // On the event loop itself, where a handler might be called at once.
  boost::asio::post(context, [&] {
    client.async_request(into(1), kSomaxconn, tell);
    client.async_request(into(1), requests::ReadLink{"/\xff"}, tell);
    client.async_call("io.nsenterd.GetStatistics", nlohmann::json::object(), tell);
    CHECK(told == 0);
  });
  context.run();
  CHECK(told == 3);
}

TEST_CASE("a client that goes away cancels its calls") {
  NSENTERD_NEEDS(missing_for_containers());
  const Daemon daemon;
  const UnshareContainer container;
  boost::asio::io_context context;
  std::optional<Client> client(std::in_place, context.get_executor(),
                               ClientOptions{.socket = daemon.socket()});
  bool cancelled = false;
  client->async_request(
      into(container.pid()), requests::Sleep{60}, [&](const ClientResult<std::monostate>& result) {
        cancelled = !result && std::holds_alternative<Cancelled>(
                                   static_cast<const ClientFailure::variant&>(result.error()));
      });
  context.run_for(milliseconds(100));
  client.reset();
  CHECK(!cancelled);
  context.restart();
  context.run_for(seconds(10));
  CHECK(cancelled);
  CHECK(wait_until([&] { return daemon.agents().empty(); }));
}

TEST_CASE("the outcome may be a future") {
  NSENTERD_NEEDS(missing_for_containers());
  const Daemon daemon;
  const UnshareContainer container;
  boost::asio::io_context context;
  Client client(context.get_executor(), {.socket = daemon.socket()});
  auto future = client.async_request(into(container.pid()), kSomaxconn, boost::asio::use_future);
  context.run();
  CHECK(future.get().value() == "4096\n");
}

TEST_CASE("any number of threads use one blocking client") {
  NSENTERD_NEEDS(missing_for_containers());
  const Daemon daemon;
  const UnshareContainer container;
  BlockingClient client({.socket = daemon.socket(), .idle_connections = 2});
  constexpr int kThreads = 8;
  constexpr int kRounds = 100;
  std::vector<int> answered(kThreads);
  {
    std::vector<std::jthread> threads;
    for (int thread = 0; thread < kThreads; ++thread) {
      threads.emplace_back([&, thread] {
        for (int i = 0; i < kRounds; ++i) {
          const auto content = client.request(into(container.pid()), kSomaxconn);
          if (content && *content == "4096\n") ++answered[static_cast<std::size_t>(thread)];
        }
      });
    }
  }
  CHECK(std::all_of(answered.begin(), answered.end(), [](int count) { return count == kRounds; }));
}

}  // namespace
}  // namespace nsenterd::test
