// init(): where the program, executed anew and inside the namespaces by now, becomes the module's run.
#include <cerrno>
#include <cstring>
#include <exception>
#include <new>
#include <optional>
#include <span>
#include <string_view>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include <nsenterd/module.hpp>

#include "launch/fork_server.hpp"
#include "module/registry.hpp"
#include "nsjoin/join.hpp"
#include "wire/descriptors.hpp"
#include "wire/frame.hpp"
#include "wire/json.hpp"
#include "wire/module_call.hpp"

namespace nsenterd {
namespace {

static_assert(kMaxModuleDescriptors == wire::kMaxModuleDescriptors);

struct Call {
  wire::ModuleCallHeader header{};
  std::string name;
  ModuleData argument;
};

/// The module's standard input is like its output: /dev/null.
int move_socket_aside() noexcept {
  const int socket = ::fcntl(nsjoin::kSocket, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
  return socket >= 0 && ::dup2(STDOUT_FILENO, nsjoin::kSocket) >= 0 ? socket : -1;
}

/// The first bytes of a frame, and the descriptors that came with them.
bool receive_header(int socket, wire::FrameHeader& header, std::vector<UniqueFd>& descriptors) {
  wire::ReceivedDescriptors<wire::kMaxModuleDescriptors> received;
  const std::span bytes(reinterpret_cast<char*>(&header), sizeof header);
  const ssize_t got = wire::receive_with_descriptors(socket, bytes, received, 0);
  if (got <= 0) return false;
  const auto count = static_cast<std::size_t>(got);
  if (!wire::receive_exactly(socket, bytes.data() + count, bytes.size() - count)) return false;
  for (std::size_t i = 0; i < received.size(); ++i) descriptors.push_back(received.take(i));
  return true;
}

std::optional<Call> receive_call(int socket) {
  Call call;
  wire::FrameHeader frame{};
  if (!receive_header(socket, frame, call.argument.descriptors)) return std::nullopt;
  if (frame.kind != wire::FrameKind::module_call || frame.length < sizeof call.header) return std::nullopt;
  if (!wire::receive_exactly(socket, &call.header, sizeof call.header)) return std::nullopt;
  const std::size_t left = frame.length - sizeof call.header;
  if (call.header.name_length > left) return std::nullopt;
  call.name.resize(call.header.name_length);
  call.argument.bytes.resize(left - call.header.name_length);
  if (!wire::receive_exactly(socket, call.name.data(), call.name.size()) ||
      !wire::receive_exactly(socket, call.argument.bytes.data(), call.argument.bytes.size())) {
    return std::nullopt;
  }
  return call;
}

bool send_failure(int socket, int error, std::string_view message) {
  const wire::ModuleFailureHeader header{error};
  std::string body(reinterpret_cast<const char*>(&header), sizeof header);
  body.append(message.substr(0, wire::kMaxFailureText));
  return wire::send_frame(socket, wire::FrameKind::module_failed, body);
}

bool send_result(int socket, const Call& call, const ModuleData& result) {
  if (result.bytes.size() > call.header.max_result) {
    return send_failure(socket, EMSGSIZE,
                        "the result has " + std::to_string(result.bytes.size()) + " bytes, more than " +
                            std::to_string(call.header.max_result));
  }
  if (result.descriptors.size() > wire::kMaxModuleDescriptors)
    return send_failure(socket, EMSGSIZE, "the result has too many descriptors");
  std::vector<int> descriptors;
  for (const UniqueFd& descriptor : result.descriptors) descriptors.push_back(descriptor.get());
  if (wire::send_frame(socket, wire::FrameKind::module_result, result.bytes, descriptors)) return true;
  // Nothing has been sent: one of them is none.
  return errno == EBADF && send_failure(socket, EBADF, "the result has a descriptor that is not open");
}

/// A sanitizer has more memory mapped than any limit allows for.
#if defined(__SANITIZE_ADDRESS__)
constexpr bool kLimitsMemory = false;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
constexpr bool kLimitsMemory = false;
#else
constexpr bool kLimitsMemory = true;
#endif
#else
constexpr bool kLimitsMemory = true;
#endif

/// Memory without end would be the host's.
void limit_memory(std::uint64_t bytes) noexcept {
  const rlimit limit{bytes, bytes};
  if (kLimitsMemory) ::setrlimit(RLIMIT_DATA, &limit);
}

bool answer(int socket, Call& call) try {
  const module::Function* const function = module::find(call.name);
  if (function == nullptr) return send_failure(socket, ENOENT, "there is no module " + call.name);
  return send_result(socket, call, (*function)(std::move(call.argument)));
} catch (const std::bad_alloc&) {
  return send_failure(socket, ENOMEM, "out of memory");
} catch (const std::system_error& failure) {
  const auto& category = failure.code().category();
  const bool is_errno = category == std::generic_category() || category == std::system_category();
  return send_failure(socket, is_errno ? failure.code().value() : 0, failure.what());
} catch (const std::exception& failure) {
  return send_failure(socket, 0, failure.what());
} catch (...) {
  return send_failure(socket, 0, "threw something that is no exception");
}

[[noreturn]] void run_module() {
  const int socket = move_socket_aside();
  if (socket < 0) launch::give_up({.step = nsjoin::Step::place_descriptors, .error = errno});
  auto call = receive_call(socket);
  if (!call) ::_exit(1);
  // Only now: the service finds by the fork server's group whom it has not been told of, and it has been told of this process.
  ::setpgid(0, 0);
  limit_memory(call->header.memory);
  // No exit handlers: nothing of the process outlives it.
  ::_exit(answer(socket, *call) ? 0 : 1);
}

}  // namespace

void register_module(std::string name, std::function<ModuleData(ModuleData)> function) {
  module::add(std::move(name), std::move(function));
}

void register_module(std::string name, std::function<std::string(const std::string&)> function) {
  module::add(std::move(name), [function = std::move(function)](const ModuleData& argument) {
    return ModuleData{function(argument.bytes), {}};
  });
}

void register_json_module(std::string name, std::function<std::string(const nlohmann::json&)> function) {
  module::add(std::move(name), [function = std::move(function)](const ModuleData& argument) {
    const auto value = wire::parse_json(argument.bytes);
    if (!value)
      throw std::system_error(EINVAL, std::generic_category(),
                              "the argument is no JSON: " + value.error().reason);
    return ModuleData{function(*value), {}};
  });
}

void init() {
  module::set_initialized();
  if (launch::spawned().joined) run_module();
}

}  // namespace nsenterd
