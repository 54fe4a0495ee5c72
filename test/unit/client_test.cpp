// The client's end of a connection: calls with one reply, and with several.
#include <cerrno>
#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "client/connection.hpp"
#include "support/catch.hpp"
#include "support/temporary_directory.hpp"

namespace nsenterd::test {
namespace {

using client::Connection;
using client::Deadline;
using client::TransportFailure;
using client::VarlinkError;

Deadline soon(std::chrono::milliseconds time = std::chrono::seconds(5)) {
  return std::chrono::steady_clock::now() + time;
}

/// Both ends of a connection. What the service answers is written before it is asked.
class Ends {
 public:
  Ends() {
    const TemporaryDirectory directory;
    const std::string path = directory / "socket";
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    const UniqueFd listener(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    REQUIRE(::bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    REQUIRE(::listen(listener.get(), 1) == 0);
    auto connection = Connection::connect(path, soon());
    REQUIRE(connection.has_value());
    client = std::move(*connection);
    service_.reset(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
  }

  /// A message, without its NUL.
  void answer(std::string_view text, const std::vector<int>& descriptors = {}) {
    std::string message(text);
    message += '\0';
    iovec part{message.data(), message.size()};
    REQUIRE(wire::send_with_descriptors(service_.get(), {&part, 1}, descriptors, MSG_NOSIGNAL) ==
            static_cast<ssize_t>(message.size()));
  }
  /// What the client has sent.
  std::string sent() const {
    std::string text(4096, '\0');
    const ssize_t got = ::recv(service_.get(), text.data(), text.size(), MSG_DONTWAIT);
    text.resize(got < 0 ? 0 : static_cast<std::size_t>(got));
    return text;
  }
  void close() { service_.reset(); }

  std::optional<Connection> client;

 private:
  UniqueFd service_;
};

int errno_of(const client::Result<client::Reply>& reply) {
  if (reply) return 0;
  const client::CallError error = reply.error();
  const auto* failure = std::get_if<TransportFailure>(&error);
  return failure != nullptr ? failure->error : -1;
}

TEST_CASE("a call without more has one reply") {
  Ends ends;
  ends.answer(R"({"parameters":{"a":1},"continues":false})");
  const auto reply = ends.client->call("a.B", {{"x", 1}}, {}, soon());
  REQUIRE(reply.has_value());
  CHECK(reply->parameters == wire::Json({{"a", 1}}));
  CHECK_FALSE(reply->continues);
  CHECK(ends.sent() == std::string(R"({"method":"a.B","parameters":{"x":1}})") + '\0');
}

TEST_CASE("replies to a call with more come one after the other, however they arrive") {
  Ends ends;
  ends.answer(R"({"parameters":{"n":1},"continues":true})");
  ends.answer(R"({"parameters":{"n":2},"continues":true})");
  auto reply = ends.client->call_more("a.B", wire::Json::object(), soon());
  for (int n = 1; n <= 3; ++n) {
    REQUIRE(reply.has_value());
    CHECK(reply->parameters == wire::Json({{"n", n}}));
    CHECK(reply->continues == (n < 3));
    if (n == 2) ends.answer(R"({"parameters":{"n":3}})");
    if (n < 3) reply = ends.client->receive(soon());
  }
  CHECK(ends.sent() == std::string(R"({"method":"a.B","parameters":{},"more":true})") + '\0');
  // The next call is as the first.
  ends.answer(R"({"parameters":{}})");
  CHECK(ends.client->call("a.B", wire::Json::object(), {}, soon()).has_value());
}

TEST_CASE("a reply that continues where no more was asked for is malformed") {
  Ends ends;
  ends.answer(R"({"parameters":{},"continues":true})");
  CHECK(errno_of(ends.client->call("a.B", wire::Json::object(), {}, soon())) == EBADMSG);
  CHECK(errno_of(ends.client->call("a.B", wire::Json::object(), {}, soon())) == ENOTCONN);
}

TEST_CASE("what comes behind the last reply is malformed") {
  for (const bool more : {false, true}) {
    Ends ends;
    ends.answer(R"({"parameters":{}})");
    ends.answer(R"({"parameters":{}})");
    const auto reply = more ? ends.client->call_more("a.B", wire::Json::object(), soon())
                            : ends.client->call("a.B", wire::Json::object(), {}, soon());
    CHECK(errno_of(reply) == EBADMSG);
    CHECK(errno_of(ends.client->receive(soon())) == ENOTCONN);
  }
}

TEST_CASE("an error is a last reply") {
  Ends ends;
  ends.answer(R"({"parameters":{},"continues":true})");
  ends.answer(R"({"error":"a.C","parameters":{"x":1}})");
  REQUIRE(ends.client->call_more("a.B", wire::Json::object(), soon()).has_value());
  const auto reply = ends.client->receive(soon());
  REQUIRE(reply.has_error());
  const client::CallError error = reply.error();
  REQUIRE(std::holds_alternative<VarlinkError>(error));
  CHECK(std::get<VarlinkError>(error).name == "a.C");
  // The connection is as good as before.
  ends.answer(R"({"parameters":{}})");
  CHECK(ends.client->call("a.B", wire::Json::object(), {}, soon()).has_value());

  ends.answer(R"({"error":"a.C","continues":true})");
  CHECK(errno_of(ends.client->call_more("a.B", wire::Json::object(), soon())) == EBADMSG);
}

TEST_CASE("descriptors come with the last reply, also where both arrive at once") {
  Ends ends;
  const UniqueFd file(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  ends.answer(R"({"parameters":{},"continues":true})");
  ends.answer(R"({"parameters":{}})", {file.get()});
  auto reply = ends.client->call_more("a.B", wire::Json::object(), soon());
  REQUIRE(reply.has_value());
  CHECK(reply->descriptors.empty());
  reply = ends.client->receive(soon());
  REQUIRE(reply.has_value());
  CHECK(reply->descriptors.size() == 1);
  // Those of an error are nobody's.
  ends.answer(R"({"error":"a.C"})", {file.get()});
  CHECK(ends.client->call("a.B", wire::Json::object(), {}, soon()).has_error());
  ends.answer(R"({"parameters":{}})");
  reply = ends.client->call("a.B", wire::Json::object(), {}, soon());
  REQUIRE(reply.has_value());
  CHECK(reply->descriptors.empty());
}

TEST_CASE("a reply that does not come in time ends the connection, as does the service's end") {
  Ends ends;
  ends.answer(R"({"parameters":{},"continues":true})");
  REQUIRE(ends.client->call_more("a.B", wire::Json::object(), soon()).has_value());
  const auto late = ends.client->receive(soon(std::chrono::milliseconds(50)));
  REQUIRE(late.has_error());
  CHECK(std::holds_alternative<client::DeadlinePassed>(late.error()));
  CHECK(errno_of(ends.client->receive(soon())) == ENOTCONN);

  Ends closed;
  closed.answer(R"({"parameters":{},"continues":true})");
  REQUIRE(closed.client->call_more("a.B", wire::Json::object(), soon()).has_value());
  closed.close();
  CHECK(errno_of(closed.client->receive(Deadline::max())) == ECONNRESET);
}

}  // namespace
}  // namespace nsenterd::test
