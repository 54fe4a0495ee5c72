// Several requests in one event: what they do, what they answer, and what is wrong with them.
#include "request_list.hpp"

#include <cerrno>
#include <filesystem>
#include <string>
#include <vector>

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#include "container_events.hpp"
#include "support/catch.hpp"
#include "support/message_requests.hpp"
#include "support/mount_table.hpp"
#include "support/openat2.hpp"
#include "support/precondition.hpp"
#include "support/processes.hpp"

namespace nsenterd::test {
namespace {

using Kind = ServedContainer::Kind;
using message::lookup;

Json read(const std::string& file) {
  return message::read_file(file);
}

int count_of(const std::string& text, const std::string& part) {
  int count = 0;
  for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + part.size())) ++count;
  return count;
}

TEST_CASE("a listing and the lookups of its entries are one event", "[e2e][list]") {
  NSENTERD_NEEDS(missing_for_containers());
  ListContainer served(GENERATE(Kind::none, Kind::mapped));
  std::vector<Json> requests{message::read_dir("/listed")};
  served.put_directory("/listed");
  for (const char* name : {"a", "b", "c"}) {
    served.put_file(std::string("/listed/") + name, name, 0640, 5, 6);
    requests.push_back(lookup(std::string("/listed/") + name));
  }
  const auto responses = served.responses(requests);
  REQUIRE(responses.size() == 4);
  CHECK(responses[0]["message"] == "readDirResponse");
  REQUIRE(responses[0]["payload"].size() == 3);
  for (std::size_t i = 0; i < 3; ++i) {
    struct stat status {};
    REQUIRE(::stat(served.path("/listed/" + std::string(1, static_cast<char>('a' + i))).c_str(), &status) ==
            0);
    const Json& response = responses[i + 1];
    CHECK(response["message"] == "lookupResponse");
    CHECK(response["payload"] == responses[0]["payload"][i]);
    CHECK(response["payload"]["Fsys"]["Ino"] == status.st_ino);
    CHECK(response["payload"]["Fsys"]["Uid"] == 5);
  }
  CHECK(served.nothing_left());
}

TEST_CASE("a mount, the change of its owner and what is written there are one event", "[e2e][list]") {
  NSENTERD_NEEDS(missing_for_containers());
  ListContainer served(GENERATE(Kind::none, Kind::mapped));
  served.put_directory("/place");
  const auto responses =
      served.responses({message::mount({message::tmpfs_on("/place", MS_NOSUID, "mode=0750")}),
                        message::chown({message::owner_of("/place", 7, 8)}),
                        message::write_file("/place", "eA=="), lookup("/place")});
  // A directory is not written to. What was done before that stays.
  CHECK(types_of(responses) ==
        std::vector<std::string>{"mountSyscallResponse", "chownSyscallResponse", "errorResponse"});
  const pid_t pid = served.container().pid();
  REQUIRE(mounts_at(pid, "/place").size() == 1);
  CHECK(has_option(mounts_at(pid, "/place")[0].options, "nosuid"));
  struct stat status {};
  REQUIRE(::stat((proc_path(pid, "root") + "/place").c_str(), &status) == 0);
  CHECK(status.st_uid == served.host_id(7));
  CHECK(status.st_gid == served.host_id(8));

  const auto more = served.responses(
      {message::mount({message::tmpfs_on("/place")}), message::open_file("/place/file", O_CREAT | O_WRONLY),
       message::chown({message::owner_of("/place/file", 9, -1)}), lookup("/place/file"),
       message::umount({message::umount_of("/place")}), message::umount({message::umount_of("/place")})});
  CHECK(types_of(more) == std::vector<std::string>{"mountSyscallResponse", "openFileResponse",
                                                   "chownSyscallResponse", "lookupResponse",
                                                   "umountSyscallResponse", "umountSyscallResponse"});
  CHECK(more[3]["payload"]["Fsys"]["Uid"] == 9);
  CHECK(mounts_at(pid, "/place").empty());
  CHECK(served.nothing_left());
}

TEST_CASE("requests are run in their order", "[e2e][list]") {
  NSENTERD_NEEDS(missing_for_containers());
  ListContainer served(Kind::mapped);
  served.put_file("/file", "0");
  std::vector<Json> requests{read("/file")};
  for (char digit = '1'; digit <= '9'; ++digit) {
    requests.push_back(message::write_file("/file", base64_of(std::string(1, digit))));
    requests.push_back(read("/file"));
  }
  const auto responses = served.responses(requests);
  REQUIRE(responses.size() == requests.size());
  for (std::size_t i = 0; i < responses.size(); i += 2)
    CHECK(bytes_in(responses[i]["payload"]) == std::to_string(i / 2));
}

TEST_CASE("the first request that fails is the last that is run", "[e2e][list]") {
  NSENTERD_NEEDS(missing_for_containers());
  ListContainer served(GENERATE(Kind::none, Kind::mapped));
  const Json failing = GENERATE(lookup("/does/not/exist"), openat2_request({}, {.path = "/does/not/exist"}));
  CAPTURE(failing.dump());
  const auto write = [&](const std::string& file) { return message::write_file(file, "eA=="); };
  for (const char* file : {"/a", "/b", "/c"}) served.put_file(file, "");
  Json reply = served.reply_to({failing, write("/a"), write("/b")});
  CHECK(reply["parameters"]["response"]["payload"]["code"] == ENOENT);
  CHECK(reply["parameters"]["followingResponses"] == Json::array());
  const auto responses = served.responses({write("/a"), failing, write("/b"), write("/c")});
  CHECK(types_of(responses) == std::vector<std::string>{"writeFileResponse", "errorResponse"});
  CHECK(std::filesystem::file_size(served.path("/a")) == 1);
  CHECK(std::filesystem::is_empty(served.path("/b")));
  CHECK(std::filesystem::is_empty(served.path("/c")));
  CHECK(served.nothing_left());
}

TEST_CASE("an opened file comes with the reply, wherever among the requests it was asked for",
          "[e2e][list]") {
  NSENTERD_NEEDS(missing_for_containers());
  ListContainer served(GENERATE(Kind::none, Kind::mapped));
  served.put_file("/of-root", "root's", 0600);
  served.put_file("/of-user", "user's", 0600, 1000, 1000);
  const Personality user{.uid = 1000, .gid = 1000};
  for (const std::size_t place : {0U, 1U, 2U}) {
    CAPTURE(place);
    // All others are root's, also after the one that is not.
    std::vector<Json> requests(3, read("/of-root"));
    requests[place] = openat2_request(user, {.path = "/of-user"});
    const auto responses = served.responses(requests, user);
    REQUIRE(responses.size() == 3);
    for (std::size_t i = 0; i < 3; ++i) {
      INFO(responses[i].dump());
      if (i != place) CHECK(bytes_in(responses[i]["payload"]) == "root's");
    }
    CHECK(responses[place] == Json{{"message", "openat2SyscallResponse"}, {"payload", {{"fd", 0}}}});
    auto& descriptors = served.client().descriptors();
    REQUIRE(descriptors.size() == 1);
    std::string content(6, '\0');
    CHECK(::read(descriptors[0].get(), content.data(), content.size()) == 6);
    CHECK(content == "user's");
    descriptors.clear();
    requests[place] = openat2_request(user, {.path = "/of-root"});
    CHECK(served.responses(requests, user).back()["payload"]["code"] == EACCES);
    CHECK(descriptors.empty());
  }
  CHECK(served.nothing_left());
}

TEST_CASE("who acts for somebody in a list leaves nothing of him to the requests after it", "[e2e][list]") {
  NSENTERD_NEEDS(missing_for_containers());
  ListContainer served(GENERATE(Kind::none, Kind::mapped));
  served.put_directory("/jail/inner");
  served.put_file("/file", "outside", 0600);
  served.put_file("/jail/file", "inside", 0600, 1000, 1000);
  const Personality user{.root = "/jail", .cwd = "/jail/inner", .uid = 1000, .gid = 1000};
  const auto responses = served.responses(
      {read("/file"), message::listxattr("/file", 64, "listxattr", user.header()), read("/file"),
       message::read_link("/proc/self/root"), message::read_link("/proc/self/cwd"), read("/file")},
      user);
  REQUIRE(responses.size() == 6);
  for (const std::size_t i : {0U, 2U, 5U}) CHECK(bytes_in(responses[i]["payload"]) == "outside");
  CHECK(responses[1]["message"] == "ListxattrSyscallResponse");
  CHECK(responses[3]["payload"] == "/");
  CHECK(responses[4]["payload"] == "/");
  CHECK(served.nothing_left());
}

TEST_CASE("a request is run in the root that the container has after the one before it", "[e2e][list]") {
  NSENTERD_NEEDS(missing_for_containers());
  ListContainer served(GENERATE(Kind::none, Kind::mapped));
  served.container().shell("mkdir /tmp/new && mount -t tmpfs t /tmp/new && echo new >/tmp/new/file");
  const auto responses =
      served.responses({message::mount({message::mount_of("/tmp/new", "/", "", MS_MOVE)}), read("/file")});
  REQUIRE(types_of(responses) == std::vector<std::string>{"mountSyscallResponse", "readFileResponse"});
  CHECK(bytes_in(responses[1]["payload"]) == "new\n");
}

TEST_CASE("each wrong request of a list is named, before anything is started", "[e2e][list]") {
  NSENTERD_NEEDS(missing_root());
  NSENTERD_NEEDS(missing_for_containers());
  ListContainer served(Kind::mapped);
  served.put_file("/file", "");
  const Json good = message::write_file("/file", "eA==");
  const auto blamed = [&](const Json& following, const Json& first = sleep_request(0)) {
    Json reply = served.reply(first, {}, {{"followingRequests", following}});
    INFO(reply.dump());
    CHECK(reply["error"] == "org.varlink.service.InvalidParameter");
    CHECK(served.nothing_left());
    CHECK(std::filesystem::is_empty(served.path("/file")));
    return reply["parameters"].value("parameter", "");
  };
  for (const Json& wrong : {Json(1), Json("x"), Json::object(), good}) {
    CHECK(blamed(wrong) == "followingRequests");
  }
  CHECK(blamed({good, 1}) == "followingRequests[1]");
  CHECK(blamed(Json::array({nullptr})) == "followingRequests[0]");
  CHECK(blamed(Json::array({{{"payload", nullptr}}})) == "followingRequests[0].message");
  CHECK(blamed({good, {{"message", 1}}}) == "followingRequests[1].message");
  CHECK(blamed({good, {{"message", "noSuchRequest"}}}) == "followingRequests[1].message");
  CHECK(blamed({good, {{"message", "sleepRequest"}, {"surplus", 1}}}) == "followingRequests[1].surplus");
  CHECK(blamed({good, {{"message", "sleepRequest"}}}) == "followingRequests[1].payload");
  CHECK(blamed({good, {{"message", "lookupRequest"}, {"payload", {{"entry", 1}}}}}) ==
        "followingRequests[1].payload.entry");
  CHECK(blamed({good, message::chown({{{"target", "/"}}})}) == "followingRequests[1].payload[0].uid");
  CHECK(blamed(Json::array({good}), {{"message", "sleepRequest"}}) == "request.payload");
  // Two descriptors.
  const Json open = openat2_request({}, {.path = "/file"});
  CHECK(blamed({open, good, open}) == "followingRequests[2].message");
  CHECK(blamed({good, open}, open) == "followingRequests[1].message");
  // An id that means nothing in there matters as soon as one of the requests acts for somebody.
  Json reply = served.reply(sleep_request(0), {}, {{"uid", 5}, {"followingRequests", {good, open}}});
  CHECK(reply["parameters"]["parameter"] == "uid");
  CHECK(std::filesystem::is_empty(served.path("/file")));
}

TEST_CASE("64 requests may follow the first, and no more", "[e2e][list]") {
  NSENTERD_NEEDS(missing_for_containers());
  ListContainer served(Kind::mapped);
  served.put_file("/file", "content");
  CHECK(served.responses(std::vector<Json>(65, lookup("/file"))).size() == 65);
  // Each by a process of its own.
  CHECK(served.responses(std::vector<Json>(65, message::listxattr("/file", 64))).size() == 65);
  CHECK(served.nothing_left());
  Json reply = served.reply_to(std::vector<Json>(66, lookup("/file")));
  CHECK(reply["error"] == "org.varlink.service.InvalidParameter");
  CHECK(reply["parameters"]["parameter"] == "followingRequests");
  CHECK(served.nothing_left());
}

TEST_CASE("all responses of an event together are as long as one may be", "[e2e][list]") {
  NSENTERD_NEEDS(missing_for_containers());
  ListContainer served(Kind::mapped);
  constexpr std::int64_t kLongest = 8 << 20;
  served.put_file("/file", std::string(kLongest, 'x'));
  // The one is run by the agent itself, the other one by its children.
  const bool by_children = GENERATE(false, true);
  CAPTURE(by_children);
  const Json request =
      by_children ? message::listxattr("/file", kLongest) : message::read_file("/file", 0, kLongest);
  Json parameters = served.parameters(request);
  parameters.update(following(std::vector<Json>(7, request)));
  served.client().send(Json{{"method", "io.nsenterd.SendRequest"}, {"parameters", parameters}}.dump() + '\0');
  const auto reply = served.client().receive();
  REQUIRE(reply);
  // Each is a sixth of the limit, and a little more. The text is not parsed: it is that long.
  CHECK(reply->size() > 5 * (kLongest / 3 * 4));
  CHECK(reply->size() < 6 * (kLongest / 3 * 4));
  CHECK(count_of(*reply, R"({"message":")") == 6);
  CHECK(reply->ends_with(
      R"({"message":"errorResponse","payload":{"type":"*errors.errorString","code":90,"message":"the response is too long"}}]}})"));
  CHECK(served.nothing_left());
}

TEST_CASE("a reply to a single request is what it has always been", "[e2e][list]") {
  NSENTERD_NEEDS(missing_for_containers());
  ListContainer served(Kind::none);
  const auto members = [](const Json& reply) {
    std::vector<std::string> names;
    for (const auto& [name, value] : reply.at("parameters").items()) names.push_back(name);
    return names;
  };
  const std::vector<std::string> old{"event", "processId", "response"};
  CHECK(members(served.reply(sleep_request(0))) == old);
  CHECK(members(served.reply(sleep_request(0), {}, {{"followingRequests", nullptr}})) == old);
  CHECK(members(served.reply(sleep_request(0), {}, {{"followingRequests", Json::array()}})) == old);
  CHECK(members(served.reply(sleep_request(0), {}, {{"followingRequests", {sleep_request(0)}}})) ==
        std::vector<std::string>{"event", "followingResponses", "processId", "response"});
}

TEST_CASE("the private mounts of an event are those that any of its requests needs", "[e2e][list]") {
  NSENTERD_NEEDS(missing_for_containers());
  ListContainer served(GENERATE(Kind::none, Kind::mapped));
  Json hidden = lookup("/proc/timer_list");
  Json network = message::read_dir("/sys/class/net");
  const auto as_seen = served.responses({hidden, network});
  hidden["payload"]["MountProcfs"] = true;
  network["payload"]["MountSysfs"] = true;
  const auto really = served.responses({sleep_request(0), hidden, network, lookup("/proc/timer_list")});
  REQUIRE(really.size() == 4);
  // runc mounts /dev/null over it.
  CHECK(as_seen[0]["payload"]["Fsys"]["Ino"] != really[1]["payload"]["Fsys"]["Ino"]);
  CHECK(as_seen[0]["payload"]["Fsys"]["Ino"] == really[3]["payload"]["Fsys"]["Ino"]);
  REQUIRE(really[2]["payload"].size() >= 1);
}

}  // namespace
}  // namespace nsenterd::test
