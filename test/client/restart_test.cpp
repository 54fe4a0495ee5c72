// What becomes of calls when the daemon ends, or a connection to it does.
#include <atomic>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <string>
#include <thread>

#include <sys/socket.h>

#include "askers.hpp"
#include "fake_service.hpp"
#include "support/catch.hpp"
#include "support/container.hpp"
#include "support/daemon.hpp"
#include "support/precondition.hpp"

namespace nsenterd::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

const requests::ReadFile kRead{.path = "/etc/hostname"};
const std::string kAnswer =
    std::string(
        R"({"parameters":{"event":"1","processId":1,"response":{"message":"readFileResponse","payload":"YQ=="}}})") +
    '\0';
const std::string kDraining =
    std::string(R"({"error":"io.nsenterd.Overloaded","parameters":{"limit":"draining"}})") + '\0';

std::unique_ptr<Asker> asker_of(const std::string& socket, milliseconds patience = seconds(5)) {
  const auto kind = GENERATE(AskerKind::asynchronous, AskerKind::blocking);
  CAPTURE(static_cast<int>(kind));
  return make_asker(kind, {.socket = socket, .patience = patience});
}

void answer(int connection) {
  while (!FakeService::read_call(connection).empty()) FakeService::write(connection, kAnswer);
}

/// Closes it with a part of the call unread: the kernel tells the client so.
void close_unread(int connection) {
  char first = 0;
  (void)::recv(connection, &first, 1, 0);
}

void answer_one_and_close(int connection) {
  FakeService::read_call(connection);
  FakeService::write(connection, kAnswer);
}

TEST_CASE("a call whose connection had ended is made on another one") {
  const FakeService service({answer_one_and_close, answer});
  const auto asker = asker_of(service.socket());
  CHECK(asker->ask(into(1), kRead).value() == "a");
  CHECK(asker->ask(into(1), kRead).value() == "a");
}

TEST_CASE("a call that was not read to its end is made again") {
  const FakeService service({close_unread, answer});
  CHECK(asker_of(service.socket())->ask(into(1), kRead).value() == "a");
}

TEST_CASE("a call that the daemon may have begun is not made again") {
  std::atomic<int> calls = 0;
  const auto read_and_close = [&](int connection) {
    if (!FakeService::read_call(connection).empty()) ++calls;
  };
  const FakeService service({read_and_close, read_and_close});
  const auto failure = failure_of<Disconnected>(asker_of(service.socket())->ask(into(1), kRead));
  CHECK(failure.may_have_run);
  CHECK(failure.step == "receive");
  CHECK(failure.error == ECONNRESET);
  CHECK(calls == 1);
}

TEST_CASE("a call that a draining daemon has refused is made to the next one") {
  std::atomic<int> refusals = 0;
  const auto refuse = [&](int connection) {
    FakeService::read_call(connection);
    FakeService::write(connection, kDraining);
    ++refusals;
  };
  const FakeService service({refuse, refuse, answer});
  CHECK(asker_of(service.socket())->ask(into(1), kRead).value() == "a");
  CHECK(refusals == 2);
}

TEST_CASE("what is no reply ends the call, and its connection") {
  const std::string text =
      GENERATE(as<std::string>(), "{}", "[", "nonsense", R"({"parameters":{"response":1}})",
               R"({"parameters":{},"continues":true})", R"({"error":""})", kAnswer + kAnswer);
  CAPTURE(text);
  const auto talk_nonsense = [&](int connection) {
    FakeService::read_call(connection);
    FakeService::write(connection, text + '\0');
    // What the client has closed, it reads no more from.
    (void)FakeService::read_call(connection);
  };
  const FakeService service({talk_nonsense, answer});
  const auto asker = asker_of(service.socket());
  const auto failure = failure_of<Disconnected>(asker->ask(into(1), kRead));
  CHECK(failure.error == EBADMSG);
}

TEST_CASE("a service that is not there is waited for as long as the options say") {
  const std::string nowhere = "/tmp/nsenterd-test-nowhere/socket";
  const auto asker = asker_of(nowhere, milliseconds(200));
  const auto begin = std::chrono::steady_clock::now();
  const auto failure = failure_of<Disconnected>(asker->ask(into(1), kRead));
  CHECK(std::chrono::steady_clock::now() - begin >= milliseconds(200));
  CHECK(failure.step == "connect");
  CHECK(failure.error == ENOENT);
  CHECK(!failure.may_have_run);
}

TEST_CASE("a deadline is nearer than patience") {
  const auto asker = asker_of("/tmp/nsenterd-test-nowhere/socket", seconds(60));
  Envelope envelope = into(1);
  envelope.timeout = milliseconds(1);
  // Two seconds more than the event itself may take.
  const auto begin = std::chrono::steady_clock::now();
  const auto failure = failure_of<Disconnected>(asker->ask(envelope, kRead));
  CHECK(std::chrono::steady_clock::now() - begin < seconds(30));
  CHECK(failure.error == ENOENT);
  CHECK(!failure.may_have_run);
}

TEST_CASE("a service that never answers is not waited for beyond the deadline") {
  const FakeService service({[](int connection) {
    FakeService::read_call(connection);
    // Until the client gives up.
    FakeService::read_call(connection);
  }});
  Envelope envelope = into(1);
  envelope.timeout = milliseconds(100);
  (void)failure_of<TimedOut>(asker_of(service.socket())->ask(envelope, kRead));
}

TEST_CASE("a client goes on where one daemon has ended and another one has started") {
  NSENTERD_NEEDS(missing_for_containers());
  Daemon daemon;
  const UnshareContainer container;
  const auto asker = asker_of(daemon.socket());
  const requests::ReadFile read{.path = "/proc/self/comm"};
  CHECK(asker->ask(into(container.pid()), read).has_value());
  const int signal = GENERATE(SIGTERM, SIGKILL);
  CAPTURE(signal);
  (void)daemon.end(signal);
  // It starts while the call is waiting for it.
  std::thread starter([&] {
    std::this_thread::sleep_for(milliseconds(200));
    daemon.start_again();
  });
  const auto answered = asker->ask(into(container.pid()), read);
  starter.join();
  CHECK(answered.has_value());
}

}  // namespace
}  // namespace nsenterd::test
