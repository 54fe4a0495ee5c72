// Events with several requests, as an embedding program sees them.
#include <cerrno>
#include <csignal>
#include <string>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include <nsenterd/unique_fd.hpp>

#include "requests.hpp"
#include "session.hpp"
#include "support/catch.hpp"
#include "support/container.hpp"
#include "support/precondition.hpp"
#include "support/processes.hpp"
#include "support/stalled_mount.hpp"

namespace nsenterd::test {
namespace {

using std::chrono::milliseconds;

constexpr char kFile[] = "/proc/sys/kernel/hostname";

EventParameters inside(pid_t target, std::vector<Message> following) {
  EventParameters parameters{.target = target, .namespaces = Namespaces::all()};
  parameters.following_requests = std::move(following);
  return parameters;
}

Message open_on_behalf(const std::string& path) {
  return {"openat2SyscallRequest",
          {{"header", {{"root", "/"}, {"cwd", "/"}, {"capabilities", {0, 0}}}},
           {"path", path},
           {"flags", 0},
           {"mode", 0},
           {"resolve", 0},
           {"verifyfs", false}}};
}

/// Sends an event and runs the loop until it is done.
SentEvent finish(Session& session, EventParameters parameters, Message request) {
  const auto event = session.make(std::move(parameters), std::move(request));
  session.send(event);
  REQUIRE(session.run_until([&] { return event->sent.has_value(); }));
  return event;
}

std::vector<std::string> types_of(const NSenterEvent& event) {
  std::vector<std::string> types{event.response().type};
  for (const Message& response : event.following_responses()) types.push_back(response.type);
  return types;
}

TEST_CASE("The requests of an event are answered in their order, by one agent", "[list]") {
  NSENTERD_NEEDS(missing_for_containers());
  const UnshareContainer container;
  Session session;
  const auto event =
      finish(session,
             inside(container.pid(), {request::read_link("/proc/self"), request::lookup(kFile),
                                      request::read_file(kFile), request::read_link("/proc/self")}),
             request::read_dir("/proc/sys/kernel"));
  REQUIRE(*event->sent == "ok");
  CHECK(types_of(event->event) == std::vector<std::string>{"readDirResponse", "readLinkResponse",
                                                           "lookupResponse", "readFileResponse",
                                                           "readLinkResponse"});
  const auto& following = event->event.following_responses();
  CHECK(following[0].payload == following[3].payload);
  CHECK(following[1].payload["Fname"] == "hostname");
  const auto& texts = event->event.following_response_texts();
  REQUIRE(texts.size() == 4);
  for (std::size_t i = 0; i < texts.size(); ++i) {
    const auto text = nlohmann::json::parse(texts[i]);
    CHECK(text["message"] == following[i].type);
    CHECK(text["payload"] == following[i].payload);
  }
  CHECK(session.run_until([] { return agent_processes().size() == 1; }));
}

TEST_CASE("An event without further requests has no further responses", "[list]") {
  NSENTERD_NEEDS(missing_for_containers());
  const UnshareContainer container;
  Session session;
  const auto event = finish(session, inside(container.pid(), {}), request::lookup(kFile));
  CHECK(event->event.response().type == "lookupResponse");
  CHECK(event->event.following_responses().empty());
  CHECK(event->event.following_response_texts().empty());
}

TEST_CASE("The first request that fails is the last that is run", "[list]") {
  NSENTERD_NEEDS(missing_for_containers());
  const UnshareContainer container;
  Session session;
  const Message fails = request::lookup("/does/not/exist");
  const auto early = finish(session, inside(container.pid(), {request::lookup(kFile)}), fails);
  CHECK(types_of(early->event) == std::vector<std::string>{"errorResponse"});
  const auto late =
      finish(session, inside(container.pid(), {fails, request::lookup(kFile)}), request::lookup(kFile));
  CHECK(types_of(late->event) == std::vector<std::string>{"lookupResponse", "errorResponse"});
}

TEST_CASE("The descriptor that comes with one of several responses is the event's", "[list]") {
  NSENTERD_NEEDS(missing_for_containers());
  const UnshareContainer container;
  Session session;
  const Message lookup = request::lookup(kFile);
  for (const std::size_t place : {0U, 1U, 2U}) {
    CAPTURE(place);
    std::vector<Message> requests{lookup, lookup, lookup};
    requests[place] = open_on_behalf(kFile);
    const auto event = finish(session, inside(container.pid(), {requests[1], requests[2]}), requests[0]);
    REQUIRE(*event->sent == "ok");
    const int descriptor = event->event.descriptor();
    REQUIRE(::fcntl(descriptor, F_GETFD) == FD_CLOEXEC);
    const Message& response =
        place == 0 ? event->event.response() : event->event.following_responses()[place - 1];
    CHECK(response == Message{"openat2SyscallResponse", {{"fd", descriptor}}});
    const std::string& text =
        place == 0 ? event->event.response_text() : event->event.following_response_texts()[place - 1];
    CHECK(text == R"({"message":"openat2SyscallResponse","payload":{"fd":0}})");
    const UniqueFd file(event->event.release_descriptor());
    char content = 0;
    CHECK(::read(file.get(), &content, 1) == 1);
    CHECK(event->event.descriptor() == -1);
  }
}

TEST_CASE("What is wrong with one of several requests is told by its path, and nothing is started",
          "[list]") {
  NSENTERD_NEEDS(missing_for_containers());
  const UnshareContainer container;
  Session session;
  const auto refused = [&](std::vector<Message> following, Message first = request::sleep_for(0)) {
    const auto event = finish(session, inside(container.pid(), std::move(following)), std::move(first));
    CHECK(session.events_running() == 0);
    CHECK(event->event.process_id() == 0);
    return *event->sent;
  };
  const std::string invalid = "invalid parameter ";
  CHECK(refused({{"nothing", {}}}) == invalid + "followingRequests[0].message");
  CHECK(refused({request::sleep_for(0), {"sleepRequest", {{"attr", 1}}}}) ==
        invalid + "followingRequests[1].payload.attr");
  CHECK(refused({request::sleep_for(0)}, {"sleepRequest", nullptr}) == invalid + "request.payload");
  CHECK(refused({{"chownSyscallRequest", {{{"target", "/"}}}}}) ==
        invalid + "followingRequests[0].payload[0].uid");
  CHECK(refused({open_on_behalf("/"), open_on_behalf("/")}) == invalid + "followingRequests[1].message");
  CHECK(refused({request::sleep_for(0), open_on_behalf("/")}, open_on_behalf("/")) ==
        invalid + "followingRequests[1].message");
  const std::vector<Message> most(kMaxFollowingRequests, request::sleep_for(0));
  CHECK(refused(std::vector<Message>(kMaxFollowingRequests + 1, request::sleep_for(0))) ==
        invalid + "followingRequests");
  const auto event = finish(session, inside(container.pid(), most), request::sleep_for(0));
  CHECK(*event->sent == "ok");
  CHECK(event->event.following_responses().size() == kMaxFollowingRequests);
}

TEST_CASE("An event that ends in the middle of its requests has no response at all", "[list]") {
  NSENTERD_NEEDS(missing_for_containers());
  const UnshareContainer container;
  Session session;
  const auto descriptors = open_descriptors();
  EventParameters parameters = inside(container.pid(), {request::sleep_for(60), request::lookup(kFile)});
  parameters.timeout = milliseconds(200);
  const auto event = finish(session, parameters, open_on_behalf(kFile));
  CHECK(*event->sent == "timed out");
  CHECK(event->event.response() == Message{});
  CHECK(event->event.response_text().empty());
  CHECK(event->event.following_responses().empty());
  CHECK(event->event.descriptor() == -1);
  CHECK(session.run_until([] { return agent_processes().size() == 1; }));
  CHECK(session.run_until([&] { return open_descriptors() <= descriptors; }));
}

TEST_CASE("An agent is kept after several requests, unless one of them has changed a process", "[list]") {
  NSENTERD_NEEDS(missing_for_containers());
  const UnshareContainer container;
  Session session(512, {});
  const Message lookup = request::lookup(kFile);
  const auto agent_of = [&](std::vector<Message> following, const Message& first) {
    const auto event = finish(session, inside(container.pid(), std::move(following)), first);
    CHECK(*event->sent == "ok");
    return event->event.process_id();
  };
  const pid_t first = agent_of({lookup, lookup}, lookup);
  CHECK(session.agents_warm() == 1);
  CHECK(agent_of({lookup}, lookup) == first);
  CHECK(agent_of({}, lookup) == first);
  CHECK(agent_of({request::lookup("/does/not/exist"), lookup}, lookup) == first);
  for (const std::size_t place : {0U, 1U, 2U}) {
    CAPTURE(place);
    std::vector<Message> requests{lookup, lookup, lookup};
    requests[place] = open_on_behalf(kFile);
    CHECK(agent_of({requests[1], requests[2]}, requests[0]) != first);
    CHECK(session.agents_warm() == 1);
  }
  CHECK(agent_of({lookup}, lookup) == first);
  CHECK(session.run_until([] { return agent_processes().size() == 2; }));
}

TEST_CASE("What an agent has carried in several messages counts as one when it is to be kept", "[list]") {
  NSENTERD_NEEDS(missing_for_containers());
  const RuncContainer container(RuncContainer::UserNamespace::none);
  container.shell("head -c 500000 /dev/zero >/tmp/file");
  Session session(512, {});
  const Message read = request::read_file("/tmp/file", Through::container, 0, 1 << 20);
  finish(session, inside(container.pid(), {}), read);
  CHECK(session.agents_warm() == 1);
  finish(session, inside(container.pid(), {read}), read);
  CHECK(session.agents_warm() == 0);
}

TEST_CASE("A service that is destroyed leaves nothing of an agent that has forked", "[list]") {
  NSENTERD_NEEDS(missing_for_containers());
  const UnshareContainer container;
  const StalledMount stalled(container, "/mnt");
  Session session;
  // The child has ended, and nobody has waited for it; or it goes on for ever.
  const char* const path = GENERATE("/proc/uptime", "/mnt/file");
  CAPTURE(path);
  const auto event = session.make(inside(container.pid(), {request::sleep_for(60)}), open_on_behalf(path));
  session.send(event);
  REQUIRE(session.run_until([] { return agent_processes().size() == 3; }));
  session.destroy_service();
  CHECK(agent_processes().empty());
}

TEST_CASE("A service that is destroyed as an event ends leaves nothing of what its agent has forked",
          "[list]") {
  NSENTERD_NEEDS(missing_for_containers());
  const UnshareContainer container;
  for (int round = 0; round < 40; ++round) {
    Session session;
    // The agent ends by itself, and its child a little before or after it.
    finish(session, inside(container.pid(), {request::lookup(kFile)}), open_on_behalf(kFile));
    session.run_for(milliseconds(round % 8));
    session.destroy_service();
    REQUIRE(agent_processes().empty());
  }
}

}  // namespace
}  // namespace nsenterd::test
