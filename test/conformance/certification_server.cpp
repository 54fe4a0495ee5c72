// Serves org.varlink.certification with the daemon's own Varlink code, so that clients written by others can
// test it. The interface is a chain: each call must bring back what the call before returned.
#include <iostream>
#include <map>
#include <set>
#include <string>

#include <boost/asio/io_context.hpp>

#include "conformance/certification_text.hpp"
#include "varlink/listener.hpp"
#include "varlink/server.hpp"

namespace nsenterd::test {
namespace {

using varlink::Call;
using varlink::Json;

constexpr double kPi = 3.141592653589793;

const Json kMyType = {
    {"object",
     {{"method", "org.varlink.certification.Test09"},
      {"parameters", {{"map", {{"foo", "Foo"}, {"bar", "Bar"}}}}}}},
    {"enum", "two"},
    {"struct", {{"first", 1}, {"second", "2"}}},
    {"array", {"one", "two", "three"}},
    {"dictionary", {{"foo", "Foo"}, {"bar", "Bar"}}},
    {"stringset", {{"one", Json::object()}, {"two", Json::object()}, {"three", Json::object()}}},
    {"nullable", nullptr},
    {"nullable_array_struct", nullptr},
    {"interface",
     {{"foo", {nullptr, {{"foo", "foo"}, {"bar", "bar"}}, nullptr, {{"one", "foo"}, {"two", "bar"}}}},
      {"anon", {{"foo", true}, {"bar", false}}}}}};

const Json kScalars = {{"bool", false}, {"int", 2}, {"float", kPi}, {"string", "a lot of string"}};
const Json kMap = {{"foo", "Foo"}, {"bar", "Bar"}};
const Json kSet = {{"one", Json::object()}, {"two", Json::object()}, {"three", Json::object()}};

struct Step {
  const char* method;
  /// Besides the client's id.
  Json wants;
  Json reply;
};

const std::vector<Step>& steps() {
  static const std::vector<Step> kSteps{
      {"Test01", Json::object(), {{"bool", true}}},        {"Test02", {{"bool", true}}, {{"int", 1}}},
      {"Test03", {{"int", 1}}, {{"float", 1.0}}},          {"Test04", {{"float", 1.0}}, {{"string", "ping"}}},
      {"Test05", {{"string", "ping"}}, kScalars},          {"Test06", kScalars, {{"struct", kScalars}}},
      {"Test07", {{"struct", kScalars}}, {{"map", kMap}}}, {"Test08", {{"map", kMap}}, {{"set", kSet}}},
      {"Test09", {{"set", kSet}}, {{"mytype", kMyType}}}};
  return kSteps;
}

/// Go leaves out what is null.
Json without_nulls(const Json& value) {
  if (!value.is_object()) return value;
  Json stripped = Json::object();
  for (const auto& [key, member] : value.items()) {
    if (!member.is_null()) stripped[key] = without_nulls(member);
  }
  return stripped;
}

class Certification {
 public:
  varlink::Interface describe() {
    varlink::Interface interface {
      "org.varlink.certification", kCertificationText, {}
    };
    interface.methods["Start"] = [this](const auto& call) { start(*call); };
    for (const Step& step : steps()) {
      interface.methods[step.method] = [this, &step](const auto& call) {
        if (passes(*call, step.wants)) call->reply(step.reply.dump());
      };
    }
    interface.methods["Test10"] = [this](const auto& call) { test10(*call); };
    interface.methods["Test11"] = [this](const auto& call) { test11(*call); };
    interface.methods["End"] = [this](const auto& call) { end(*call); };
    return interface;
  }

 private:
  void start(Call& call) {
    const std::string id = "client-" + std::to_string(++last_client_);
    passed_[id] = 0;
    call.reply(Json{{"client_id", id}}.dump());
  }

  /// Whether the parameters are those wanted; answers the call if not.
  bool passes(Call& call, const Json& wants) {
    Json got = call.parameters();
    client_ = got.value("client_id", "");
    if (!passed_.contains(client_)) {
      call.error("org.varlink.certification.ClientIdError");
      return false;
    }
    got.erase("client_id");
    if (without_nulls(got) != without_nulls(wants)) {
      call.error("org.varlink.certification.CertificationError", {{"wants", wants}, {"got", got}});
      return false;
    }
    ++passed_[client_];
    return true;
  }

  void test10(Call& call) {
    if (!call.more()) return call.error("org.varlink.service.ExpectedMore");
    if (!passes(call, {{"mytype", kMyType}})) return;
    for (int i = 1; i < 10; ++i) call.reply_continues(reply_number(i).dump());
    call.reply(reply_number(10).dump());
  }

  void test11(Call& call) {
    Json replies = Json::array();
    for (int i = 1; i <= 10; ++i) replies.push_back(reply_number(i)["string"]);
    // What a oneway call is answered with goes nowhere; the client's next call shows that.
    if (passes(call, {{"last_more_replies", replies}})) call.reply();
  }

  void end(Call& call) {
    if (!passes(call, Json::object())) return;
    constexpr int kCalls = 12;
    call.reply(Json{{"all_ok", passed_[client_] == kCalls}}.dump());
    passed_.erase(client_);
  }

  static Json reply_number(int number) { return {{"string", "Reply number " + std::to_string(number)}}; }

  int last_client_ = 0;
  std::string client_;
  std::map<std::string, int> passed_;
};

int serve(const char* path) {
  boost::asio::io_context context(1);
  Certification certification;
  varlink::Server server(context.get_executor(),
                         {"nsenterd", "certification", "1", "", "org.varlink.certification.Overloaded"},
                         [](const auto&) { return true; });
  server.add(certification.describe());
  varlink::Listener listener(path);
  server.serve(listener.take_socket());
  context.run();
  return 0;
}

}  // namespace
}  // namespace nsenterd::test

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: certification-server SOCKET\n";
    return 2;
  }
  return nsenterd::test::serve(argv[1]);
}
