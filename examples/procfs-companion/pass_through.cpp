#include "pass_through.hpp"

#include <cerrno>
#include <utility>

#include <boost/asio/bind_cancellation_slot.hpp>

namespace procfs_companion {
namespace {

namespace requests = nsenterd::requests;

/// A procfs of the caller's own pid namespace: not what is mounted over the container's /proc, which is this filesystem.
constexpr requests::PrivateMounts kPrivate{.procfs = true};
constexpr char kTop[] = "/proc/sys";

/// As the host numbers its owner.
struct stat to_host(struct stat status, const Caller& caller) {
  status.st_uid = caller.uids().to_host(status.st_uid);
  status.st_gid = caller.gids().to_host(status.st_gid);
  return status;
}

}  // namespace

Outcome<std::shared_ptr<const Caller>> PassThrough::identify(const Place& place) const {
  return Caller::identify(place.call->caller(), service_.container->process());
}

template <nsenterd::Request R, class T>
void PassThrough::ask(const Place& place, const std::shared_ptr<const Caller>& caller,
                      const nsenterd::Envelope& envelope, const R& request, Reply<T> reply,
                      std::function<T(typename R::Response&&)> convert) {
  auto handler = [call = place.call, caller, reply = std::move(reply),
                  convert = std::move(convert)](nsenterd::ClientResult<typename R::Response> response) {
    if (!response) return reply(Errno{nsenterd::errno_of(response.error())});
    reply(convert(std::move(*response)));
  };
  service_.client.async_request(
      envelope, request, boost::asio::bind_cancellation_slot(place.call->cancellable(), std::move(handler)));
}

void PassThrough::look(const Place& place, Reply<struct stat> reply) {
  // What a runtime mounts into a container is looked up before there is anybody to ask: it is the same for all.
  if (place.path == kTop) return reply(directory_attributes());
  const auto caller = identify(place);
  if (!caller) return reply(caller.error());
  ask<requests::Lookup, struct stat>(place, *caller, (*caller)->envelope(),
                                     {.path = place.path, .private_mounts = kPrivate}, std::move(reply),
                                     [this, caller = *caller](const requests::FileInfo& info) {
                                       return shown(to_host(info.status, *caller));
                                     });
}

void PassThrough::check(const Place& place, int flags, Purpose purpose, Reply<std::monostate> reply) {
  const auto caller = identify(place);
  if (!caller) return reply(caller.error());
  requests::OpenFile request{.path = place.path, .flags = flags, .private_mounts = kPrivate};
  if ((*caller)->is_host()) {
    if ((access_of(flags) & W_OK) != 0) return reply(Errno{EPERM});
    return ask<requests::OpenFile, std::monostate>(place, *caller, (*caller)->envelope(), request,
                                                   std::move(reply),
                                                   [](std::monostate none) { return none; });
  }
  request.personality =
      purpose == Purpose::access ? (*caller)->access_personality() : (*caller)->personality();
  ask<requests::OpenFile, std::monostate>(place, *caller, (*caller)->envelope_with_ids(), request,
                                          std::move(reply), [](std::monostate none) { return none; });
}

Outcome<std::shared_ptr<const Caller>> PassThrough::identify_user(const Place& place,
                                                                  const OpenFile& file) const {
  auto caller = identify(place);
  // Elsewhere the same path is another file, which nobody has been asked for. Root of the host may have been sent what is open.
  if (caller && !(*caller)->is_host() && (*caller)->namespaces() != file.opener) return Errno{EPERM};
  return caller;
}

void PassThrough::read(const Place& place, OpenFile& file, off_t offset, std::size_t size,
                       Reply<std::string> reply) {
  const auto caller = identify_user(place, file);
  if (!caller) return reply(caller.error());
  // With the agent's rights, so that it need not be a new one: who may read was settled when the file was opened.
  ask<requests::ReadFile, std::string>(place, *caller, (*caller)->envelope(),
                                       {.path = place.path,
                                        .offset = offset,
                                        .length = static_cast<std::int64_t>(size),
                                        .private_mounts = kPrivate},
                                       std::move(reply), [](std::string&& text) { return std::move(text); });
}

void PassThrough::write(const Place& place, const OpenFile& file, off_t offset, std::string data,
                        Reply<std::size_t> reply) {
  const auto caller = identify_user(place, file);
  if (!caller) return reply(caller.error());
  if ((*caller)->is_host()) return reply(Errno{EPERM});
  const std::size_t size = data.size();
  // With the caller's rights: some files ask for capabilities when they are written to, too.
  ask<requests::WriteFile, std::size_t>(place, *caller, (*caller)->envelope_with_ids(),
                                        {.path = place.path,
                                         .offset = offset,
                                         .data = std::move(data),
                                         .private_mounts = kPrivate,
                                         .personality = (*caller)->personality()},
                                        std::move(reply), [size](std::monostate /*none*/) { return size; });
}

void PassThrough::list(const Place& place, Reply<std::vector<Entry>> reply) {
  const auto caller = identify(place);
  if (!caller) return reply(caller.error());
  ask<requests::ReadDir, std::vector<Entry>>(
      place, *caller, (*caller)->envelope(), {.path = place.path, .private_mounts = kPrivate},
      std::move(reply), [caller = *caller](std::vector<requests::FileInfo>&& listing) {
        std::vector<Entry> entries;
        entries.reserve(listing.size());
        for (auto& info : listing) entries.push_back({std::move(info.name), to_host(info.status, *caller)});
        return entries;
      });
}

void PassThrough::read_link(const Place& place, Reply<std::string> reply) {
  const auto caller = identify(place);
  if (!caller) return reply(caller.error());
  ask<requests::ReadLink, std::string>(place, *caller, (*caller)->envelope(),
                                       {.path = place.path, .private_mounts = kPrivate}, std::move(reply),
                                       [](std::string&& target) { return std::move(target); });
}

struct stat ReadOnly::shown(const struct stat& real) const {
  struct stat status = real;
  if (!S_ISLNK(status.st_mode)) status.st_mode &= ~mode_t{S_IWUSR | S_IWGRP | S_IWOTH};
  return status;
}

void ReadOnly::check(const Place& place, int flags, Purpose purpose, Reply<std::monostate> reply) {
  if ((access_of(flags) & W_OK) != 0) return reply(Errno{EACCES});
  PassThrough::check(place, flags, purpose, std::move(reply));
}

void ReadOnly::write(const Place& /*place*/, const OpenFile& /*file*/, off_t /*offset*/, std::string /*data*/,
                     Reply<std::size_t> reply) {
  reply(Errno{EACCES});
}

}  // namespace procfs_companion
