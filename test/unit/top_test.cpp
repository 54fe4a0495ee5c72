// What nsenterctl top makes of two replies: rates, names, and lines that fit.
#include <algorithm>
#include <string>

#include "cli/container_name.hpp"
#include "cli/rates.hpp"
#include "cli/style.hpp"
#include "cli/top_view.hpp"
#include "support/catch.hpp"

namespace nsenterd::cli {
namespace {

const std::string kId = "3f4e8a9b7c6d5e4f3a2b1c0d9e8f7a6b5c4d3e2f1a0b9c8d7e6f5a4b3c2d1e0f";
constexpr std::chrono::seconds kInterval{2};

TEST_CASE("Rates are what has been added, by the second") {
  Statistics before;
  before.messages = {{"a", 100, 10, 1, 5, 6}, {"b", 1, 0, 0, 7, 8}};
  before.targets = {{11, 50, 5, 0, 1000}, {12, 51, 0, 0, 100}};
  Statistics after = before;
  after.messages = {{"a", 110, 14, 2, 5, 6}, {"b", 21, 0, 0, 7, 8}, {"c", 2, 0, 0, 9, 9}};
  after.targets = {{12, 51, 0, 0, 100}, {11, 60, 6, 1, 1500}, {13, 4, 0, 0, 40}, {0, 8, 0, 0, 10}};
  const Rates rates = rates_between(before, after, kInterval);
  CHECK(rates.all.requests == 16);
  CHECK(rates.all.error_responses == 2);
  CHECK(rates.all.failures == 0.5);
  REQUIRE(rates.messages.size() == 3);
  CHECK(rates.messages[0].message == "b");
  CHECK(rates.messages[0].rate.requests == 10);
  CHECK(rates.messages[1].message == "a");
  CHECK(rates.messages[2].message == "c");
  CHECK(rates.messages[2].median == 9);
  // One whose number is not known is nobody's.
  REQUIRE(rates.targets.size() == 3);
  CHECK(rates.targets[0].pid == 11);
  CHECK(rates.targets[0].rate.requests == 5);
  CHECK(rates.targets[0].rate.failures == 0.5);
  CHECK(rates.targets[0].mean == 50U);
  CHECK(rates.targets[1].pid == 13);
  CHECK(rates.targets[1].mean == 10U);
  CHECK(rates.targets[2].pid == 12);
  CHECK_FALSE(rates.targets[2].mean);
}

TEST_CASE("Counts that are lower than before begin anew") {
  Statistics before;
  before.messages = {{"a", 100, 10, 1, 5, 6}};
  before.targets = {{11, 50, 5, 0, 1000}};
  Statistics after;
  after.messages = {{"a", 4, 0, 0, 5, 6}};
  after.targets = {{11, 2, 0, 0, 10}};
  const Rates rates = rates_between(before, after, kInterval);
  CHECK(rates.all.requests == 2);
  CHECK(rates.all.failures == 0);
  CHECK(rates.targets.at(0).rate.requests == 1);
  CHECK(rates.targets.at(0).mean == 5U);
}

TEST_CASE("A container is named as its runtime names its cgroup") {
  const std::string id = kId.substr(0, 12);
  CHECK(container_of("0::/system.slice/docker-" + kId + ".scope\n") == id);
  CHECK(container_of("12:pids:/docker/" + kId + "\n0::/\n") == id);
  CHECK(container_of("0::/kubepods.slice/kubepods-pod1.slice/cri-containerd-" + kId + ".scope\n") == id);
  CHECK(container_of("0::/system.slice/containerd.service/kubepods-pod1.slice:cri-containerd:" + kId +
                     "\n") == id);
  CHECK(container_of("0::/machine.slice/libpod-" + kId + ".scope/container\n") == id);
  CHECK(container_of("0::/lxc.payload.web/init.scope\n") == "web");
  CHECK(container_of("0::/machine.slice/machine-web.scope\n") == "web");
  CHECK(container_of("0::/machine.slice/systemd-nspawn@web.service/payload\n") == "web");
}

TEST_CASE("What is no container has no container's name") {
  for (const char* cgroups : {"", "\n", "::", "0::/\n", "0::/user.slice/user-0.slice/session-1.scope\n",
                              "0::/system.slice/ssh.service", "0::/machine-.scope", "0::/lxc.payload."}) {
    CAPTURE(cgroups);
    CHECK_FALSE(container_of(cgroups));
  }
  CHECK_FALSE(container_of("0::/docker/" + kId.substr(1)));
  CHECK_FALSE(container_of("0::/docker/" + kId + "0"));
}

TEST_CASE("A container cannot take another's name by a cgroup that it makes") {
  const std::string other(64, 'a');
  CHECK(container_of("0::/docker/" + kId + "/docker-" + other + ".scope\n") == kId.substr(0, 12));
  CHECK(container_of("0::/docker/" + kId + "/lxc.payload.other\n") == kId.substr(0, 12));
}

TEST_CASE("Text is as wide as the characters that are shown, and no more of it is left than fits") {
  const Painter painter(true);
  const std::string red = painter.failure("r\xc3\xb6t");
  CHECK(red == "\x1b[31mr\xc3\xb6t\x1b[0m");
  CHECK(shown_width(red) == 3);
  CHECK(clip(red, 2) == "\x1b[31mr\xc3\xb6\x1b[0m");
  CHECK(clip(red, 0) == "\x1b[31m\x1b[0m");
  CHECK(clip("abc", 5) == "abc");
  CHECK(shown_width("\x1b[3") == 0);
  CHECK(Painter(false).failure("x") == "x");
  CHECK(painter.title("x\n") == "\x1b[1mx\x1b[0m\n");
}

TopView busy_view(std::size_t targets, std::size_t messages) {
  TopView view;
  for (std::size_t i = 0; i < targets; ++i) {
    view.rates.targets.push_back({static_cast<pid_t>(1000 + i), {}, {}});
    view.names.emplace_back("name");
  }
  for (std::size_t i = 0; i < messages; ++i) view.rates.messages.push_back({"message", {}, 0, 0});
  return view;
}

TEST_CASE("A view has no more lines than there are rows, and room for both tables") {
  const Painter plain(false);
  const TopView view = busy_view(100, 17);
  for (std::size_t rows = 0; rows < 200; ++rows) {
    const auto lines = top_lines(view, plain, rows);
    INFO(rows);
    CHECK(lines.size() <= rows);
    if (rows < 12) continue;
    const auto count = [&](const char* text) {
      return std::count_if(lines.begin(), lines.end(),
                           [&](const auto& line) { return line.find(text) != std::string::npos; });
    };
    CHECK(count("name") >= 1);
    CHECK(count("message") >= 1);
  }
  CHECK(top_lines(view, plain).size() == 4 + 2 + 100 + 2 + 17);
  CHECK(top_lines(busy_view(3, 17), plain, 40).size() == 4 + 2 + 3 + 2 + 17);
  CHECK(top_lines(busy_view(0, 0), plain, 40).size() == 4);
}

TEST_CASE("What a view shows of processes is one line each, and text") {
  TopView view = busy_view(1, 1);
  view.names[0] = "a\x1b[2J\nforged \x9b";
  view.note = "gone\x1b";
  view.rates.messages[0].message = "m\r";
  for (const std::string& line : top_lines(view, Painter(false))) {
    CHECK(std::all_of(line.begin(), line.end(),
                      [](unsigned char byte) { return byte >= 0x20 && byte < 0x7f; }));
  }
  const wire::Json json = top_json(view);
  CHECK(json["targets"][0]["name"] == "a\\x1b[2J\\nforged \\x9b");
  CHECK(json["targets"][0]["meanMicroseconds"].is_null());
  CHECK(json["targets"][0]["pid"] == 1000);
}

}  // namespace
}  // namespace nsenterd::cli
