// Who may do what: the decision, in every combination of what it is made of.
#include "daemon/access.hpp"

#include <vector>

#include "support/catch.hpp"

namespace nsenterd::daemon {
namespace {

constexpr uid_t kAll = 1001;
constexpr uid_t kOwner = 1002;
constexpr gid_t kAllGroup = 2001;
constexpr gid_t kOwnersGroup = 2002;

AccessRules rules() {
  return {.users = {{kAll, Reach::all}, {kOwner, Reach::owned}},
          .groups = {{kAllGroup, Reach::all}, {kOwnersGroup, Reach::owned}}};
}

varlink::Peer peer(uid_t uid, gid_t gid = 5000, std::vector<gid_t> groups = {}) {
  varlink::Peer peer;
  peer.uid = uid;
  peer.gid = gid;
  peer.groups = std::move(groups);
  peer.in_own_user_namespace = true;
  return peer;
}

EventFacts into_container_of(std::vector<uid_t> owners) {
  return {.joins_user = true,
          .joins_mnt = true,
          .target_is_hosts = false,
          .target_knows_hosts_root = false,
          .target_owners = std::move(owners)};
}

Decision decide_on(const varlink::Peer& peer, const EventFacts& facts) {
  return decide(rules(), peer, &facts);
}

}  // namespace

TEST_CASE("root may call, and start every event", "[access]") {
  const EventFacts nothing_known;
  CHECK(decide({}, peer(0)) == Decision::allowed);
  CHECK(decide({}, peer(0), &nothing_known) == Decision::allowed);
}

TEST_CASE("a process of a container may do nothing, whatever its ids", "[access]") {
  for (const uid_t uid : {0U, kAll, kOwner}) {
    varlink::Peer inside = peer(uid, kAllGroup);
    inside.in_own_user_namespace = false;
    CHECK(decide(rules(), inside) == Decision::in_container);
    CHECK(decide_on(inside, into_container_of({kOwner})) == Decision::in_container);
  }
}

TEST_CASE("who is not named may do nothing", "[access]") {
  for (const uid_t uid : {1U, 1000U, 1003U, 65534U, kAllGroup, 4294967294U}) {
    CAPTURE(uid);
    CHECK(decide(rules(), peer(uid)) == Decision::not_listed);
    CHECK(decide_on(peer(uid), into_container_of({uid})) == Decision::not_listed);
    // A user's number is not a group's.
    CHECK(decide(rules(), peer(uid, kAll, {kOwner})) == Decision::not_listed);
  }
  CHECK(decide({}, peer(kAll)) == Decision::not_listed);
  CHECK(decide({.allow_host_targets = true}, peer(kAll)) == Decision::not_listed);
}

TEST_CASE("a group counts, be it the first or one of many", "[access]") {
  CHECK(decide_on(peer(7, kAllGroup), into_container_of({})) == Decision::allowed);
  CHECK(decide_on(peer(7, 5000, {1, 2, kAllGroup}), into_container_of({})) == Decision::allowed);
  CHECK(decide_on(peer(7, kOwnersGroup), into_container_of({7})) == Decision::allowed);
  CHECK(decide_on(peer(7, kOwnersGroup), into_container_of({8})) == Decision::not_owned);
  // The wider of the two.
  CHECK(decide_on(peer(kOwner, 5000, {kOwnersGroup, kAllGroup}), into_container_of({})) == Decision::allowed);
}

TEST_CASE("owned is the target's user namespace, or one above it", "[access]") {
  CHECK(decide(rules(), peer(kOwner)) == Decision::allowed);
  CHECK(decide_on(peer(kOwner), into_container_of({kOwner})) == Decision::allowed);
  CHECK(decide_on(peer(kOwner), into_container_of({100000, kOwner, 0})) == Decision::allowed);
  CHECK(decide_on(peer(kOwner), into_container_of({})) == Decision::not_owned);
  CHECK(decide_on(peer(kOwner), into_container_of({0, kAll, kOwnersGroup})) == Decision::not_owned);
}

TEST_CASE("nobody but root reaches the host through a container", "[access]") {
  for (const auto& who : {peer(kAll), peer(kOwner)}) {
    const EventFacts right = into_container_of({kOwner});
    REQUIRE(decide_on(who, right) == Decision::allowed);
    EventFacts facts = right;
    facts.joins_user = false;
    CHECK(decide_on(who, facts) == Decision::stays_on_host);
    facts = right;
    facts.joins_mnt = false;
    CHECK(decide_on(who, facts) == Decision::stays_on_host);
    facts = right;
    facts.brings_opened = true;
    CHECK(decide_on(who, facts) == Decision::brings_opened);
    facts = right;
    facts.target_is_hosts = true;
    CHECK(decide_on(who, facts) == Decision::host_user_namespace);
    facts = right;
    facts.target_knows_hosts_root = true;
    CHECK(decide_on(who, facts) == Decision::knows_hosts_root);
    CHECK(decide_on(who, EventFacts{}) != Decision::allowed);
  }
}

}  // namespace nsenterd::daemon
