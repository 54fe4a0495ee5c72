#include "file_system.hpp"

#include <cerrno>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "timeouts.hpp"

namespace procfs_companion {
namespace {

constexpr std::size_t kLongestPath = 4095;

/// Whether a name can be part of a request. No procfs has one that cannot.
bool is_utf8(const std::string& name) {
  try {
    static_cast<void>(nlohmann::json(name).dump());
    return true;
  } catch (const nlohmann::json::type_error&) {
    return false;
  }
}

/// What all files have, whatever their handler.
struct stat completed(struct stat attributes, const std::string& path) {
  attributes.st_ino = number_of(path);
  // The kernel has sendfile(2), by which busybox's cat reads, end where the size does (since Linux 6.5), although a file is marked as
  // one to be read without its cache. With a size it asks, and finds out where the file really ends. A sysfs shows this one, too.
  if (S_ISREG(attributes.st_mode)) attributes.st_size = 4096;
  return attributes;
}

/// Hands the kernel the number of what it has opened.
template <class T>
void answer_open(Call& call, fuse_file_info file, OpenObjects<T>& objects, T object, std::size_t weight) {
  const auto number = objects.add(std::move(object), weight);
  if (!number) return call.fail(ENFILE);
  file.fh = *number;
  if (!call.answer_open(file)) objects.remove(file.fh);
}

/// None of a thread that has ended meanwhile: what it has opened, nobody uses.
NamespaceNumbers namespaces_of(pid_t thread) {
  const auto directory = ProcessDirectory::open(thread);
  const auto numbers = directory ? directory->namespaces() : directory.error();
  return numbers ? *numbers : NamespaceNumbers();
}

}  // namespace

fuse_entry_param FileSystem::remember(const std::string& path, const struct stat& attributes) {
  const Node& node = nodes_.remember(path, completed(attributes, path));
  fuse_entry_param entry{};
  entry.ino = node.id;
  entry.attr = node.attributes;
  entry.attr_timeout = kAttributesTimeout;
  entry.entry_timeout = name_timeout(path, attributes.st_mode);
  return entry;
}

void FileSystem::lookup(const CallPtr& call, fuse_ino_t directory, const std::string& name) {
  const std::string path = nodes_.path_of(directory, name);
  if (path.size() > kLongestPath) return call->fail(ENAMETOOLONG);
  if (!is_utf8(name)) return call->fail(ENOENT);
  handlers_.find(path).look({.call = call, .path = path}, [this, call, path](Outcome<struct stat> status) {
    if (!status) return call->fail(to_int(status.error()));
    const fuse_entry_param entry = remember(path, *status);
    if (!call->answer_entry(entry)) nodes_.forget(entry.ino, 1);
  });
}

void FileSystem::get_attributes(const CallPtr& call, fuse_ino_t node) {
  if (node == FUSE_ROOT_ID) return answer_with_attributes(call, node);
  handler_of(node).look(place_of(call, node), [this, call, node](Outcome<struct stat> status) {
    if (!status) return call->fail(to_int(status.error()));
    Node& known = nodes_.at(node);
    known.attributes = completed(*status, known.path);
    answer_with_attributes(call, node);
  });
}

void FileSystem::answer_with_attributes(const CallPtr& call, fuse_ino_t node) {
  call->answer_attributes(nodes_.at(node).attributes, kAttributesTimeout);
}

void FileSystem::set_attributes(const CallPtr& call, fuse_ino_t node, int what, const fuse_file_info* file) {
  if ((what & (FUSE_SET_ATTR_MODE | FUSE_SET_ATTR_UID | FUSE_SET_ATTR_GID)) != 0) return call->fail(EPERM);
  if ((what & FUSE_SET_ATTR_SIZE) != 0 && file == nullptr) {
    // Of what has no size, truncation changes nothing; but who may not write is told so.
    return answer_if_writable(call, node);
  }
  constexpr int kTimes = FUSE_SET_ATTR_ATIME | FUSE_SET_ATTR_MTIME;
  constexpr int kNow = FUSE_SET_ATTR_ATIME_NOW | FUSE_SET_ATTR_MTIME_NOW;
  if ((what & kTimes) != 0 && (what & FUSE_SET_ATTR_SIZE) == 0)
    return set_times(call, node, (what & kNow) == kNow);
  answer_with_attributes(call, node);
}

void FileSystem::set_times(const CallPtr& call, fuse_ino_t node, bool to_now) {
  const auto caller = Caller::identify(call->caller(), service_.container->process());
  if (!caller) return call->fail(to_int(caller.error()));
  const struct stat& attributes = nodes_.at(node).attributes;
  // What is set in a procfs lasts until the kernel needs the memory; here it does not last at all.
  if ((*caller)->acts_as_owner(attributes.st_uid, attributes.st_gid))
    return answer_with_attributes(call, node);
  if (!to_now) return call->fail(EPERM);
  if (S_ISDIR(attributes.st_mode)) return call->fail(EACCES);
  answer_if_writable(call, node);
}

void FileSystem::answer_if_writable(const CallPtr& call, fuse_ino_t node) {
  check(call, node, O_WRONLY, Purpose::open, [this, call, node](Outcome<std::monostate> allowed) {
    if (!allowed) return call->fail(to_int(allowed.error()));
    answer_with_attributes(call, node);
  });
}

void FileSystem::check(const CallPtr& call, fuse_ino_t node, int flags, Purpose purpose,
                       Reply<std::monostate> reply) {
  if (is_granted_to_all(nodes_.at(node).attributes.st_mode, access_of(flags))) return reply(std::monostate{});
  handler_of(node).check(place_of(call, node), flags, purpose, std::move(reply));
}

void FileSystem::open(const CallPtr& call, fuse_ino_t node, const fuse_file_info& file) {
  fuse_file_info opened = file;
  // The kernel cannot tell where it ends, as its size is 0, nor when it changes.
  opened.direct_io = 1;
  check(call, node, file.flags & (O_ACCMODE | O_TRUNC), Purpose::open,
        [this, call, opened](Outcome<std::monostate> allowed) {
          if (!allowed) return call->fail(to_int(allowed.error()));
          answer_open(*call, opened, files_, {.opener = namespaces_of(call->caller().tid), .text = {}}, 1);
        });
}

void FileSystem::read(const CallPtr& call, fuse_ino_t node, std::size_t size, off_t offset,
                      const fuse_file_info& file) {
  handler_of(node).read(place_of(call, node), files_.at(file.fh), offset, size,
                        [call](const Outcome<std::string>& text) {
                          if (!text) return call->fail(to_int(text.error()));
                          call->answer_bytes(*text);
                        });
}

void FileSystem::write(const CallPtr& call, fuse_ino_t node, std::string data, off_t offset,
                       const fuse_file_info& file) {
  handler_of(node).write(place_of(call, node), files_.at(file.fh), offset, std::move(data),
                         [call](Outcome<std::size_t> written) {
                           if (!written) return call->fail(to_int(written.error()));
                           call->answer_count(*written);
                         });
}

void FileSystem::open_directory(const CallPtr& call, fuse_ino_t node, const fuse_file_info& file) {
  Place place = place_of(call, node);
  handler_of(node).list(place, [this, call, path = place.path, file](Outcome<std::vector<Entry>> entries) {
    if (!entries) return call->fail(to_int(entries.error()));
    std::vector<Entry> listing{{".", directory_attributes()}, {"..", directory_attributes()}};
    listing.reserve(entries->size() + 2);
    for (Entry& entry : *entries) {
      entry.attributes = handlers_.find(join(path, entry.name)).shown(entry.attributes);
      listing.push_back(std::move(entry));
    }
    const std::size_t weight = listing.size();
    answer_open(*call, file, directories_, std::move(listing), weight);
  });
}

void FileSystem::read_directory(const CallPtr& call, fuse_ino_t node, std::size_t size, off_t offset,
                                const fuse_file_info& file, bool with_attributes) {
  const std::vector<Entry>& entries = directories_.at(file.fh);
  std::string buffer(size, '\0');
  std::size_t used = 0;
  for (auto i = static_cast<std::size_t>(offset); i < entries.size(); ++i) {
    const Entry& entry = entries[i];
    const std::string path = i < 2 ? nodes_.at(node).path : nodes_.path_of(node, entry.name);
    fuse_entry_param param{};
    param.attr = entry.attributes;
    param.attr.st_ino = number_of(path);
    // The kernel takes note of all but "." and "..", if there is room left for them.
    const bool noted = with_attributes && i >= 2;
    if (noted) param = remember(path, entry.attributes);
    const auto next = static_cast<off_t>(i + 1);
    const std::size_t needed = with_attributes
                                   ? ::fuse_add_direntry_plus(call->request(), buffer.data() + used,
                                                              size - used, entry.name.c_str(), &param, next)
                                   : ::fuse_add_direntry(call->request(), buffer.data() + used, size - used,
                                                         entry.name.c_str(), &param.attr, next);
    if (needed > size - used) {
      if (noted) nodes_.forget(param.ino, 1);
      break;
    }
    used += needed;
  }
  call->answer_bytes(std::string_view(buffer).substr(0, used));
}

void FileSystem::read_link(const CallPtr& call, fuse_ino_t node) {
  handler_of(node).read_link(place_of(call, node), [call](const Outcome<std::string>& target) {
    if (!target) return call->fail(to_int(target.error()));
    call->answer_link(target->c_str());
  });
}

void FileSystem::access(const CallPtr& call, fuse_ino_t node, int mask) {
  const mode_t mode = nodes_.at(node).attributes.st_mode;
  if (is_granted_to_all(mode, mask)) return call->fail(0);
  // No file of a procfs can be executed, and no directory written to, by anybody.
  if ((mask & X_OK) != 0 || S_ISDIR(mode)) return call->fail(EACCES);
  const int flags = (mask & W_OK) == 0 ? O_RDONLY : (mask & R_OK) == 0 ? O_WRONLY : O_RDWR;
  check(call, node, flags, Purpose::access,
        [call](Outcome<std::monostate> allowed) { call->fail(allowed ? 0 : to_int(allowed.error())); });
}

void FileSystem::rename(const CallPtr& call, fuse_ino_t new_directory, const std::string& new_name) {
  // The kernel has looked the name up before.
  call->fail(nodes_.knows(nodes_.path_of(new_directory, new_name)) ? EACCES : ENOENT);
}

void FileSystem::change_xattr(const CallPtr& call, fuse_ino_t node) {
  if (S_ISDIR(nodes_.at(node).attributes.st_mode)) return call->fail(EACCES);
  check(call, node, O_WRONLY, Purpose::open, [call](Outcome<std::monostate> allowed) {
    call->fail(allowed ? EOPNOTSUPP : to_int(allowed.error()));
  });
}

}  // namespace procfs_companion
