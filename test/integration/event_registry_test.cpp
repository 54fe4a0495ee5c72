// EventRegistry: the names of events, whose they are, and what is told of their changes.
#include "daemon/event_registry.hpp"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "requests.hpp"
#include "session.hpp"
#include "support/catch.hpp"
#include "support/precondition.hpp"

namespace nsenterd::test {
namespace {

using daemon::ClientEvent;
using daemon::ClientEventPtr;
using daemon::EventRegistry;
using daemon::EventStatus;
using PeerPtr = std::shared_ptr<const varlink::Peer>;

PeerPtr connection_of(uid_t user) {
  varlink::Peer peer;
  peer.uid = user;
  return std::make_shared<const varlink::Peer>(std::move(peer));
}

/// The events are never sent: here it is only about their names.
struct RegistryFixture {
  ClientEventPtr add(const PeerPtr& owner) {
    auto event = session.make({}, request::sleep_for(0));
    return registry.add(registry.next_number(), std::move(event->event), owner, 1,
                        std::chrono::steady_clock::now());
  }

  Session session;
  std::vector<std::pair<std::string, EventStatus>> changes;
  EventRegistry registry{
      [this](const ClientEvent& event) { changes.emplace_back(event.name, event.status); }};
  PeerPtr root = connection_of(0);
};

TEST_CASE("Names are never used twice") {
  NSENTERD_NEEDS(missing_root());
  RegistryFixture fixture;
  CHECK(fixture.registry.empty());
  std::vector<std::string> names;
  for (int i = 0; i < 3; ++i) {
    const auto event = fixture.add(fixture.root);
    names.push_back(event->name);
    fixture.registry.remove(event);
  }
  CHECK(names == std::vector<std::string>{"1", "2", "3"});
  CHECK(fixture.registry.empty());
}

TEST_CASE("Only what has been a name was issued") {
  NSENTERD_NEEDS(missing_root());
  RegistryFixture fixture;
  for (int i = 0; i < 12; ++i) fixture.add(fixture.root);
  for (const char* name : {"1", "9", "10", "12"}) {
    INFO(name);
    CHECK(fixture.registry.was_issued(name));
    CHECK(fixture.registry.find(name, 0) != nullptr);
  }
  for (const char* name :
       {"", "0", "13", "01", "+1", "-1", "1 ", " 1", "1.0", "0x1", "1e1", "x", "18446744073709551617"}) {
    INFO(name);
    CHECK_FALSE(fixture.registry.was_issued(name));
    CHECK(fixture.registry.find(name, 0) == nullptr);
  }
  CHECK_FALSE(fixture.registry.was_issued(std::string("1\0", 2)));
}

TEST_CASE("A user knows of its own events and of no others; root of all") {
  NSENTERD_NEEDS(missing_root());
  RegistryFixture fixture;
  const PeerPtr user = connection_of(1000);
  const PeerPtr same_user = connection_of(1000);
  const auto roots = fixture.add(fixture.root);
  const auto first = fixture.add(user);
  const auto second = fixture.add(same_user);
  CHECK(fixture.registry.find(first->name, 1000) == first);
  CHECK(fixture.registry.find(second->name, 1000) == second);
  CHECK(fixture.registry.find(first->name, 0) == first);
  CHECK(fixture.registry.find(first->name, 7) == nullptr);
  CHECK(fixture.registry.find(roots->name, 1000) == nullptr);
  CHECK(fixture.registry.of_user(1000) == std::vector<ClientEventPtr>{first, second});
  CHECK(fixture.registry.of_user(0) == std::vector<ClientEventPtr>{roots, first, second});
  CHECK(fixture.registry.of_user(1).empty());
  // Connections are told apart, whoever their user is.
  CHECK(fixture.registry.of_connection(*user) == std::vector<ClientEventPtr>{first});
  CHECK(fixture.registry.of_connection(*same_user) == std::vector<ClientEventPtr>{second});
}

TEST_CASE("The events of a user are counted, and no longer when their names have ended") {
  NSENTERD_NEEDS(missing_root());
  RegistryFixture fixture;
  const PeerPtr user = connection_of(1000);
  const auto first = fixture.add(user);
  const auto second = fixture.add(user);
  fixture.add(fixture.root);
  CHECK(fixture.registry.count_of_user(1000) == 2);
  CHECK(fixture.registry.count_of_user(0) == 1);
  CHECK(fixture.registry.count_of_user(7) == 0);
  fixture.registry.remove(first);
  // Twice is once.
  fixture.registry.remove(first);
  CHECK(fixture.registry.count_of_user(1000) == 1);
  fixture.registry.remove(second);
  CHECK(fixture.registry.count_of_user(1000) == 0);
  CHECK(fixture.registry.find(second->name, 1000) == nullptr);
  CHECK_FALSE(fixture.registry.empty());
}

TEST_CASE("Every change is told once") {
  NSENTERD_NEEDS(missing_root());
  RegistryFixture fixture;
  const auto event = fixture.add(fixture.root);
  fixture.registry.set_running(1);
  fixture.registry.set_running(1);
  fixture.registry.set_status(*event, EventStatus::terminating);
  fixture.registry.set_status(*event, EventStatus::terminating);
  // Too late, or about nothing.
  fixture.registry.set_running(1);
  fixture.registry.set_running(2);
  fixture.registry.remove(event);
  fixture.registry.remove(event);
  using enum EventStatus;
  CHECK(fixture.changes == std::vector<std::pair<std::string, EventStatus>>{
                               {"1", starting}, {"1", running}, {"1", terminating}, {"1", finished}});
}

}  // namespace
}  // namespace nsenterd::test
