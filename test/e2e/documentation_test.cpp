// docs/messages.md against the daemon: every message has an example, and every example is true.
#include <algorithm>
#include <set>
#include <sstream>

#include "support/catch.hpp"
#include "support/precondition.hpp"
#include "support/processes.hpp"
#include "support/served_container.hpp"

namespace nsenterd::test {
namespace {

constexpr const char* kRequests[] = {
    "lookupRequest",           "openFileRequest",        "readFileRequest",
    "writeFileRequest",        "readDirRequest",         "readLinkRequest",
    "mountSyscallRequest",     "umountSyscallRequest",   "chownSyscallRequest",
    "mountInfoRequest",        "mountInodeRequest",      "sleepRequest",
    "setxattrSyscallRequest",  "getxattrSyscallRequest", "RemovexattrSyscallRequest",
    "ListxattrSyscallRequest", "uidInfoRequest",         "gidInfoRequest",
    "openat2SyscallRequest"};

/// What an ellipsis of the page becomes: an element, or the name of a member.
constexpr char kMore[] = "...";

/// Reads JSON values, one after another, in which "..." outside of strings stands for more of the same.
class ExampleReader {
 public:
  explicit ExampleReader(const std::string& text) : text_(text) {}

  std::vector<Json> values() {
    for (; at_ < text_.size(); ++at_) take(text_[at_]);
    if (!open_.empty() || in_string_) throw std::runtime_error("an example ends in the middle: " + value_);
    return std::move(values_);
  }

 private:
  void take(char c) {
    if (in_string_) {
      value_ += c;
      if (c == '\\' && at_ + 1 < text_.size()) value_ += text_[++at_];
      if (c == '"') in_string_ = false;
      return;
    }
    if (text_.compare(at_, sizeof kMore - 1, kMore) == 0) {
      value_ += open_.ends_with('{') ? R"("...":null)" : R"("...")";
      at_ += sizeof kMore - 2;
      return;
    }
    if (open_.empty() && (c == ' ' || c == '\n')) return;
    value_ += c;
    if (c == '"') in_string_ = true;
    if (c == '{' || c == '[') open_ += c;
    if (c != '}' && c != ']') return;
    if (!open_.empty()) open_.pop_back();
    if (!open_.empty()) return;
    values_.push_back(Json::parse(value_));
    value_.clear();
  }

  const std::string& text_;
  std::size_t at_ = 0;
  bool in_string_ = false;
  std::string open_;
  std::string value_;
  std::vector<Json> values_;
};

std::vector<Json> examples_of(const std::string& page) {
  std::istringstream lines(page);
  std::string block;
  std::vector<Json> examples;
  bool inside = false;
  for (std::string line; std::getline(lines, line);) {
    if (inside && line.starts_with("```")) {
      for (Json& value : ExampleReader(block).values()) examples.push_back(std::move(value));
      inside = false;
    } else if (inside) {
      block += line + '\n';
    } else if (line == "```json") {
      inside = true;
      block.clear();
    }
  }
  return examples;
}

std::string type_of(const Json& message) {
  return message.is_object() ? message.value("message", "") : "";
}

/// Where two values differ in their members and the types of these; empty if nowhere.
std::string difference(const Json& example, const Json& actual, const std::string& where) {
  if (example.is_number() && actual.is_number()) return {};
  if (example.type() != actual.type()) {
    return where + ": the page has " + example.type_name() + ", the daemon " + actual.type_name();
  }
  if (example.is_object()) {
    for (const auto& [key, value] : example.items()) {
      if (key == kMore) continue;
      if (!actual.contains(key)) return where + "." + key + ": only the page has it";
      if (auto inner = difference(value, actual[key], where + "." + key); !inner.empty()) return inner;
    }
    for (const auto& [key, value] : actual.items()) {
      if (!example.contains(key) && !example.contains(kMore))
        return where + "." + key + ": only the daemon has it";
    }
  }
  if (example.is_array()) {
    std::vector<Json> shown(example.begin(), example.end());
    const bool more = !shown.empty() && shown.back() == kMore;
    if (more) shown.pop_back();
    if (shown.empty() != actual.empty()) return where + ": an empty list on one side only";
    for (const Json& element : actual) {
      std::string inner;
      const bool known = std::any_of(shown.begin(), shown.end(), [&](const Json& like) {
        inner = difference(like, element, where + "[]");
        return inner.empty();
      });
      if (!known) return inner;
    }
  }
  return {};
}

bool has_ellipsis(const Json& value) {
  if (value.is_string()) return value == kMore;
  if (value.is_object() && value.contains(kMore)) return true;
  return value.is_structured() && std::any_of(value.begin(), value.end(), has_ellipsis);
}

/// What an example may name, besides what every container has.
void furnish(const ServedContainer& served) {
  served.put_file("/etc/hostname", "container\n");
  served.put_file("/etc/group", "root:x:0:\n");
  served.put_directory("/mnt");
}

/// Not every machine's root has every capability; the page's callers have them all.
void leave_out_capabilities(Json& value, std::uint64_t available) {
  if (!value.is_structured()) return;
  if (value.is_object() && value.contains("capabilities")) {
    Json& capabilities = value["capabilities"];
    capabilities[0] = capabilities.at(0).get<std::uint64_t>() & (available & 0xffffffffU);
    capabilities[1] = capabilities.at(1).get<std::uint64_t>() & (available >> 32U);
  }
  for (Json& inner : value) leave_out_capabilities(inner, available);
}

/// Runs one example; says what is wrong with it.
std::string trial(ServedContainer& served, Json request, const Json& response) {
  if (has_ellipsis(request)) return "the request is not written out";
  // The page's sleeps are as long as they are in real use.
  if (type_of(request) == "sleepRequest") request["payload"]["attr"] = "0";
  leave_out_capabilities(request, served.all_capabilities());
  const Json reply = served.reply(request);
  if (!reply.contains("parameters") || !reply["parameters"].contains("response"))
    return "the daemon: " + reply.dump();
  const Json& actual = reply["parameters"]["response"];
  if (type_of(actual) != type_of(response)) return "the daemon: " + actual.dump();
  return difference(response.value("payload", Json()), actual.value("payload", Json()), "payload");
}

/// Runs the example of an event with several requests; says what is wrong with it.
std::string trial_of_list(ServedContainer& served, Json request, const Json& responses) {
  leave_out_capabilities(request, served.all_capabilities());
  const Json reply =
      served.reply(request["request"], {}, {{"followingRequests", request["followingRequests"]}});
  if (!reply.contains("parameters")) return "the daemon: " + reply.dump();
  Json actual{{"response", reply["parameters"].value("response", Json())},
              {"followingResponses", reply["parameters"].value("followingResponses", Json())}};
  return actual == responses ? "" : "the daemon: " + actual.dump();
}

TEST_CASE("the page of the messages has a true example of every message", "[e2e]") {
  NSENTERD_NEEDS(missing_for_containers());
  const std::vector<Json> examples = examples_of(read_file(program_under_test("MESSAGES_PAGE")));
  ServedContainer served(ServedContainer::Kind::none);
  furnish(served);
  std::set<std::string> shown;
  int lists = 0;
  for (std::size_t i = 0; i < examples.size(); ++i) {
    const std::string type = type_of(examples[i]);
    INFO(examples[i].dump());
    if (examples[i].contains("followingRequests")) {
      REQUIRE(i + 1 < examples.size());
      CHECK(trial_of_list(served, examples[i], examples[i + 1]) == "");
      ++i;
      ++lists;
      continue;
    }
    if (type == "errorResponse") {
      CHECK(difference(Json{{"type", ""}, {"code", 0}, {"message", ""}}, examples[i].value("payload", Json()),
                       "payload")
                .empty());
      continue;
    }
    if (!type.ends_with("Request")) {
      FAIL_CHECK("this example is neither a request nor the response to one before it");
      continue;
    }
    const std::string answer = type.substr(0, type.size() - sizeof "Request" + 1) + "Response";
    if (i + 1 == examples.size() ||
        (type_of(examples[i + 1]) != answer && type_of(examples[i + 1]) != "errorResponse")) {
      FAIL_CHECK("after this request comes no " << answer);
      continue;
    }
    if (type_of(examples[i + 1]) == answer) shown.insert(type);
    INFO(examples[i + 1].dump());
    CHECK(trial(served, examples[i], examples[i + 1]) == "");
    ++i;
  }
  CHECK(lists == 1);
  for (const char* type : kRequests) {
    INFO("no example, request and response, of " << type);
    CHECK(shown.contains(type));
  }
  for (const std::string& type : shown) {
    CAPTURE(type);
    CHECK(std::find(std::begin(kRequests), std::end(kRequests), type) != std::end(kRequests));
  }
}

}  // namespace
}  // namespace nsenterd::test
