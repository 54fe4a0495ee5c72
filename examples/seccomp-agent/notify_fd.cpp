#include "notify_fd.hpp"

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <system_error>

#include <fcntl.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <seccomp.h>
#include <sys/ioctl.h>

namespace seccomp_agent {
namespace {

[[noreturn]] void fail(int error, const char* what) {
  throw std::system_error(error, std::generic_category(), what);
}

/// A kernel newer than this program's headers may have larger structures: libseccomp asks it for their sizes.
struct Request {
  Request() {
    if (::seccomp_notify_alloc(&request, nullptr) != 0) fail(ENOMEM, "seccomp_notify_alloc");
  }
  Request(const Request&) = delete;
  Request& operator=(const Request&) = delete;
  ~Request() { ::seccomp_notify_free(request, nullptr); }
  seccomp_notif* request = nullptr;
};

struct Response {
  Response() {
    if (::seccomp_notify_alloc(nullptr, &response) != 0) fail(ENOMEM, "seccomp_notify_alloc");
  }
  Response(const Response&) = delete;
  Response& operator=(const Response&) = delete;
  ~Response() { ::seccomp_notify_free(nullptr, response); }
  seccomp_notif_resp* response = nullptr;
};

}  // namespace

NotifyFd::NotifyFd(nsenterd::UniqueFd fd) : fd_(std::move(fd)) {
  std::error_code error;
  const auto name = std::filesystem::read_symlink("/proc/self/fd/" + std::to_string(fd_.get()), error);
  if (error || name != "anon_inode:seccomp notify") {
    throw std::invalid_argument("the descriptor is not one of a seccomp filter");
  }
}

NotifyFd::State NotifyFd::state() const {
  pollfd waiting{fd_.get(), POLLIN, 0};
  const int ready = ::poll(&waiting, 1, 0);
  if (ready < 0 && errno != EINTR) fail(errno, "poll");
  if (ready <= 0) return State::nothing;
  if ((waiting.revents & POLLIN) != 0) return State::notification;
  return (waiting.revents & (POLLHUP | POLLERR)) != 0 ? State::ended : State::nothing;
}

std::optional<Notification> NotifyFd::receive() const {
  // A new one each time: the kernel wants it zeroed.
  const Request request;
  if (::seccomp_notify_receive(fd_.get(), request.request) != 0) {
    if (errno == ENOENT || errno == EINTR) return std::nullopt;
    fail(errno, "SECCOMP_IOCTL_NOTIF_RECV");
  }
  const seccomp_notif& got = *request.request;
  Notification notification{got.id, static_cast<pid_t>(got.pid), got.data.arch, got.data.nr, {}};
  std::copy(std::begin(got.data.args), std::end(got.data.args), notification.arguments.begin());
  return notification;
}

bool NotifyFd::is_valid(std::uint64_t id) const noexcept {
  return ::seccomp_notify_id_valid(fd_.get(), id) == 0;
}

void NotifyFd::respond(std::uint64_t id, const Answer& answer) const {
  if (std::holds_alternative<Gone>(answer)) return;
  if (const auto* file = std::get_if<NewFile>(&answer)) return send_file(id, *file);
  const auto* error = std::get_if<Errno>(&answer);
  send(id, 0, error != nullptr ? error->number : 0, std::holds_alternative<Continue>(answer));
}

void NotifyFd::send(std::uint64_t id, std::int64_t value, int error, bool continues) const {
  const Response response;
  response.response->id = id;
  response.response->val = value;
  response.response->error = -error;
  response.response->flags = continues ? SECCOMP_USER_NOTIF_FLAG_CONTINUE : 0;
  if (::seccomp_notify_respond(fd_.get(), response.response) != 0 && errno != ENOENT) {
    fail(errno, "SECCOMP_IOCTL_NOTIF_SEND");
  }
}

void NotifyFd::send_file(std::uint64_t id, const NewFile& answer) const {
  seccomp_notif_addfd add{};
  add.id = id;
  add.srcfd = static_cast<std::uint32_t>(answer.file->get());
  add.newfd_flags = answer.close_on_exec ? O_CLOEXEC : 0;
  // In one step with the answer: a thread that goes in between would keep a descriptor that it does not know of.
  add.flags = SECCOMP_ADDFD_FLAG_SEND;
  if (::ioctl(fd_.get(), SECCOMP_IOCTL_NOTIF_ADDFD, &add) >= 0 || errno == ENOENT) return;
  if (errno != EINVAL) return send(id, 0, errno, false);
  // A kernel before 5.14.
  add.flags = 0;
  const int number = ::ioctl(fd_.get(), SECCOMP_IOCTL_NOTIF_ADDFD, &add);
  if (number < 0 && errno == ENOENT) return;
  send(id, number < 0 ? 0 : number, number < 0 ? errno : 0, false);
}

std::string name_of(const Notification& notification) {
  if (notification.architecture != ::seccomp_arch_native()) return {};
  const std::unique_ptr<char, decltype(&std::free)> name(
      ::seccomp_syscall_resolve_num_arch(notification.architecture, notification.number), &std::free);
  return name ? name.get() : "";
}

}  // namespace seccomp_agent
