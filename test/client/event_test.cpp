// Asynchronous events of the clients.
#include <chrono>
#include <optional>
#include <string>

#include <boost/asio/io_context.hpp>

#include "askers.hpp"
#include "support/catch.hpp"
#include "support/container.hpp"
#include "support/daemon.hpp"
#include "support/precondition.hpp"
#include "support/processes.hpp"

namespace nsenterd::test {
namespace {

using std::chrono::seconds;

const Message kSleep = requests::Sleep{60}.message();

struct ServedEvents {
  Daemon daemon;
  UnshareContainer container;
  ClientOptions options{.socket = daemon.socket()};

  Envelope envelope() const { return into(container.pid()); }
  bool has_no_agents() const {
    return wait_until([&] { return daemon.agents().empty(); });
  }
};

TEST_CASE("a blocking client starts an event, asks in its place, and ends it") {
  NSENTERD_NEEDS(missing_for_containers());
  ServedEvents served;
  BlockingClient client(served.options);
  auto event = client.start(served.envelope(), kSleep);
  REQUIRE(event.has_value());
  CHECK(served.daemon.agents() == std::vector<pid_t>{event->process_id()});
  Envelope place = served.envelope();
  place.target = TargetEvent{event->name()};
  CHECK(client.request(place, requests::MountInfo{}).value().find(" /proc ") != std::string::npos);
  CHECK(client.terminate(event->name()).has_value());
  CHECK(!process_exists(event->process_id()));
  (void)failure_of<Terminated>(client.receive(*event));
  // Ending what has ended is no error; receiving twice is.
  CHECK(client.terminate(event->name()).has_value());
  (void)failure_of<NoSuchEvent>(client.receive(*event));
}

TEST_CASE("a blocking client receives an event's response") {
  NSENTERD_NEEDS(missing_for_containers());
  ServedEvents served;
  BlockingClient client(served.options);
  auto event = client.start(served.envelope(), requests::Sleep{0}.message());
  REQUIRE(event.has_value());
  CHECK(client.receive(*event).value().message.type == "sleepResponse");
}

TEST_CASE("an event ends with what stands for it") {
  NSENTERD_NEEDS(missing_for_containers());
  ServedEvents served;
  BlockingClient client(served.options);
  {
    const auto event = client.start(served.envelope(), kSleep);
    REQUIRE(event.has_value());
    CHECK(served.daemon.agents().size() == 1);
  }
  CHECK(served.has_no_agents());
}

TEST_CASE("an event that could not be started is an error") {
  NSENTERD_NEEDS(missing_for_containers());
  ServedEvents served;
  BlockingClient client(served.options);
  (void)failure_of<NoSuchTarget>(client.start(into(1 << 22), kSleep));
  // The connection has been kept: one answers, the other asks.
  CHECK(client.call("io.nsenterd.GetStatistics", nlohmann::json::object()).value().at("clients") == 1);
}

TEST_CASE("an asynchronous client does the same without waiting") {
  NSENTERD_NEEDS(missing_for_containers());
  ServedEvents served;
  boost::asio::io_context context;
  Client client(context.get_executor(), served.options);
  std::optional<ClientEvent> event;
  bool terminated = false;
  bool told = false;
  client.async_start(served.envelope(), kSleep, [&](ClientResult<ClientEvent> started) {
    REQUIRE(started.has_value());
    event = std::move(*started);
    client.async_receive(*event, [&](const ClientResult<Response>& response) {
      told = !response &&
             std::holds_alternative<Terminated>(static_cast<const ClientFailure::variant&>(response.error()));
    });
    client.async_terminate(event->name(),
                           [&](const ClientResult<std::monostate>& done) { terminated = done.has_value(); });
  });
  context.run_for(seconds(10));
  CHECK(terminated);
  CHECK(told);
  CHECK(served.has_no_agents());
}

TEST_CASE("an asynchronous client's event ends with what stands for it") {
  NSENTERD_NEEDS(missing_for_containers());
  ServedEvents served;
  boost::asio::io_context context;
  Client client(context.get_executor(), served.options);
  std::optional<ClientEvent> event;
  client.async_start(served.envelope(), kSleep,
                     [&](ClientResult<ClientEvent> started) { event = std::move(*started); });
  context.run_for(seconds(10));
  REQUIRE(event.has_value());
  CHECK(served.daemon.agents() == std::vector<pid_t>{event->process_id()});
  event.reset();
  CHECK(served.has_no_agents());
}

}  // namespace
}  // namespace nsenterd::test
