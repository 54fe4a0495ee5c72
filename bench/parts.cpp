// bench-parts: what a request goes through in the daemon, part by part, without the processes.
#include <cstdlib>
#include <string>

#include <benchmark/benchmark.h>

#include <nsenterd/event.hpp>

#include "daemon/send_request.hpp"
#include "operations/table.hpp"
#include "varlink/call_message.hpp"
#include "wire/base64.hpp"
#include "wire/message.hpp"

namespace nsenterd::bench {
namespace {

constexpr const char* kFile = "/proc/sys/net/core/somaxconn";

wire::Json call_json() {
  const wire::Json payload{{"file", kFile}, {"offset", 0}, {"len", 1024}};
  return {{"method", "io.nsenterd.SendRequest"},
          {"parameters",
           {{"pid", 4711},
            {"namespace", {"user", "mnt", "pid", "net", "ipc", "uts", "cgroup", "time"}},
            {"request", {{"message", "readFileRequest"}, {"payload", payload}}}}}};
}

const operations::Operation& read_file() {
  return *operations::find_operation("readFileRequest");
}

std::string bytes_of(const benchmark::State& state) {
  return std::string(static_cast<std::size_t>(state.range(0)), 'x');
}

void set_bytes(benchmark::State& state) {
  state.SetBytesProcessed(state.iterations() * state.range(0));
}

// In the order in which a request meets them.

void parse_json(benchmark::State& state) {
  const std::string text = call_json().dump();
  for (auto _ : state) benchmark::DoNotOptimize(wire::parse_json(text));
}
BENCHMARK(parse_json);

/// Includes parse_json.
void decode_call(benchmark::State& state) {
  const std::string text = call_json().dump();
  for (auto _ : state) benchmark::DoNotOptimize(varlink::decode_call(text));
}
BENCHMARK(decode_call);

/// Takes its message out of the parameters, so it includes a copy of them.
void decode_send_request(benchmark::State& state) {
  const wire::Json parameters = call_json()["parameters"];
  for (auto _ : state) {
    wire::Json copy = parameters;
    benchmark::DoNotOptimize(daemon::decode_send_request(copy));
  }
}
BENCHMARK(decode_send_request);

void find_operation(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(operations::find_operation("readFileRequest"));
}
BENCHMARK(find_operation);

void check_request(benchmark::State& state) {
  const wire::Json payload = call_json()["parameters"]["request"]["payload"];
  for (auto _ : state) benchmark::DoNotOptimize(read_file().check(payload));
}
BENCHMARK(check_request);

/// Of this process: it is in as many namespaces as any other.
void ask_for_namespaces(benchmark::State& state) {
  const auto target = Target::open(::getpid()).value();
  for (auto _ : state) benchmark::DoNotOptimize(target.namespaces(Namespaces::all()));
}
BENCHMARK(ask_for_namespaces);

void join_message(benchmark::State& state) {
  const std::string payload = read_file().check(call_json()["parameters"]["request"]["payload"])->payload;
  for (auto _ : state) benchmark::DoNotOptimize(wire::join_message("readFileRequest", payload));
}
BENCHMARK(join_message);

// As the agent does, and the daemon, with the content of a file.
constexpr int kSmall = 16;
constexpr int kLarge = 1 << 20;

void encode_base64(benchmark::State& state) {
  const std::string bytes = bytes_of(state);
  for (auto _ : state) benchmark::DoNotOptimize(wire::encode_base64(bytes));
  set_bytes(state);
}
BENCHMARK(encode_base64)->RangeMultiplier(16)->Range(kSmall, kLarge);

void decode_base64(benchmark::State& state) {
  const std::string text = wire::encode_base64(bytes_of(state));
  for (auto _ : state) benchmark::DoNotOptimize(wire::decode_base64(text));
  set_bytes(state);
}
BENCHMARK(decode_base64)->RangeMultiplier(16)->Range(kSmall, kLarge);

void split_message(benchmark::State& state) {
  const std::string text =
      wire::join_message("readFileResponse", '"' + wire::encode_base64(bytes_of(state)) + '"');
  for (auto _ : state) benchmark::DoNotOptimize(wire::split_message(text));
}
BENCHMARK(split_message)->Arg(kSmall);

void check_response(benchmark::State& state) {
  const std::string payload = '"' + wire::encode_base64(bytes_of(state)) + '"';
  if (!read_file().is_response(payload)) state.SkipWithError("not what an agent writes");
  for (auto _ : state) benchmark::DoNotOptimize(read_file().is_response(payload));
  set_bytes(state);
}
BENCHMARK(check_response)->RangeMultiplier(16)->Range(kSmall, kLarge);

void encode_reply(benchmark::State& state) {
  const std::string parameters = R"({"event":"1","processId":4803,"response":)" +
                                 wire::join_message("readFileResponse", R"("NDA5Ngo=")") + '}';
  for (auto _ : state) benchmark::DoNotOptimize(varlink::encode_reply(parameters, false));
}
BENCHMARK(encode_reply);

}  // namespace
}  // namespace nsenterd::bench

BENCHMARK_MAIN();
