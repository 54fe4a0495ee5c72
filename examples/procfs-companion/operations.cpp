#include "operations.hpp"

#include <cerrno>
#include <exception>
#include <string>

#include <spdlog/spdlog.h>

#include "mounted_session.hpp"

namespace procfs_companion {
namespace {

/// What is thrown must not pass through libfuse. The call that nobody has answered is answered EIO.
template <class Function>
void serve(fuse_req_t request, Function function) noexcept {
  try {
    auto& session = *static_cast<MountedSession*>(::fuse_req_userdata(request));
    function(session.file_system(), session.begin(request));
  } catch (const std::exception& failure) {
    spdlog::error("{}", failure.what());
  }
}

void refuse(fuse_req_t request, int error) noexcept {
  ::fuse_reply_err(request, error);
}

void init(void* /*session*/, fuse_conn_info* connection) {
  // Nothing that has the kernel keep or change anything by itself. Requests come and go over plain read(2) and write(2).
  connection->want = connection->capable & (FUSE_CAP_ASYNC_READ | FUSE_CAP_ATOMIC_O_TRUNC |
                                            FUSE_CAP_READDIRPLUS | FUSE_CAP_PARALLEL_DIROPS);
}

void lookup(fuse_req_t request, fuse_ino_t directory, const char* name) {
  serve(request, [&](FileSystem& files, const auto& call) { files.lookup(call, directory, name); });
}

void forget(fuse_req_t request, fuse_ino_t node, std::uint64_t lookups) {
  serve(request, [&](FileSystem& files, const auto& call) {
    files.forget(node, lookups);
    call->answer_none();
  });
}

void forget_multi(fuse_req_t request, std::size_t count, fuse_forget_data* forgotten) {
  serve(request, [&](FileSystem& files, const auto& call) {
    for (std::size_t i = 0; i < count; ++i) files.forget(forgotten[i].ino, forgotten[i].nlookup);
    call->answer_none();
  });
}

void getattr(fuse_req_t request, fuse_ino_t node, fuse_file_info* /*file*/) {
  serve(request, [&](FileSystem& files, const auto& call) { files.get_attributes(call, node); });
}

void setattr(fuse_req_t request, fuse_ino_t node, struct stat* /*attributes*/, int what,
             fuse_file_info* file) {
  serve(request, [&](FileSystem& files, const auto& call) { files.set_attributes(call, node, what, file); });
}

void readlink(fuse_req_t request, fuse_ino_t node) {
  serve(request, [&](FileSystem& files, const auto& call) { files.read_link(call, node); });
}

void open(fuse_req_t request, fuse_ino_t node, fuse_file_info* file) {
  serve(request, [&](FileSystem& files, const auto& call) { files.open(call, node, *file); });
}

void read(fuse_req_t request, fuse_ino_t node, std::size_t size, off_t offset, fuse_file_info* file) {
  serve(request, [&](FileSystem& files, const auto& call) { files.read(call, node, size, offset, *file); });
}

void write(fuse_req_t request, fuse_ino_t node, const char* data, std::size_t size, off_t offset,
           fuse_file_info* file) {
  serve(request, [&](FileSystem& files, const auto& call) {
    files.write(call, node, std::string(data, size), offset, *file);
  });
}

void release(fuse_req_t request, fuse_ino_t /*node*/, fuse_file_info* file) {
  serve(request, [&](FileSystem& files, const auto& call) {
    files.close(*file);
    call->fail(0);
  });
}

void opendir(fuse_req_t request, fuse_ino_t node, fuse_file_info* file) {
  serve(request, [&](FileSystem& files, const auto& call) { files.open_directory(call, node, *file); });
}

void readdir(fuse_req_t request, fuse_ino_t node, std::size_t size, off_t offset, fuse_file_info* file) {
  serve(request, [&](FileSystem& files, const auto& call) {
    files.read_directory(call, node, size, offset, *file, false);
  });
}

void readdirplus(fuse_req_t request, fuse_ino_t node, std::size_t size, off_t offset, fuse_file_info* file) {
  serve(request, [&](FileSystem& files, const auto& call) {
    files.read_directory(call, node, size, offset, *file, true);
  });
}

void releasedir(fuse_req_t request, fuse_ino_t /*node*/, fuse_file_info* file) {
  serve(request, [&](FileSystem& files, const auto& call) {
    files.close_directory(*file);
    call->fail(0);
  });
}

void statfs(fuse_req_t request, fuse_ino_t /*node*/) {
  serve(request, [&](FileSystem& /*files*/, const auto& call) {
    struct statvfs status {};
    status.f_bsize = 4096;
    status.f_frsize = 4096;
    status.f_namemax = 255;
    call->answer_filesystem(status);
  });
}

void access(fuse_req_t request, fuse_ino_t node, int mask) {
  serve(request, [&](FileSystem& files, const auto& call) { files.access(call, node, mask); });
}

void listxattr(fuse_req_t request, fuse_ino_t /*node*/, std::size_t size) {
  serve(request, [&](FileSystem& /*files*/, const auto& call) {
    if (size == 0) return call->answer_length(0);
    call->answer_bytes({});
  });
}

void setxattr(fuse_req_t request, fuse_ino_t node, const char* /*name*/, const char* /*value*/,
              std::size_t /*size*/, int /*flags*/) {
  serve(request, [&](FileSystem& files, const auto& call) { files.change_xattr(call, node); });
}

void removexattr(fuse_req_t request, fuse_ino_t node, const char* /*name*/) {
  serve(request, [&](FileSystem& files, const auto& call) { files.change_xattr(call, node); });
}

// The names of new files come here because the kernel has just heard that they are not there: a procfs says so once more. And what
// is there is in a directory that nobody may write to.

void mknod(fuse_req_t request, fuse_ino_t /*directory*/, const char* /*name*/, mode_t /*mode*/,
           dev_t /*device*/) {
  refuse(request, ENOENT);
}

void mkdir(fuse_req_t request, fuse_ino_t /*directory*/, const char* /*name*/, mode_t /*mode*/) {
  refuse(request, ENOENT);
}

void symlink(fuse_req_t request, const char* /*target*/, fuse_ino_t /*directory*/, const char* /*name*/) {
  refuse(request, ENOENT);
}

void link(fuse_req_t request, fuse_ino_t /*node*/, fuse_ino_t /*directory*/, const char* /*name*/) {
  refuse(request, ENOENT);
}

void create(fuse_req_t request, fuse_ino_t /*directory*/, const char* /*name*/, mode_t /*mode*/,
            fuse_file_info* /*file*/) {
  refuse(request, ENOENT);
}

void unlink(fuse_req_t request, fuse_ino_t /*directory*/, const char* /*name*/) {
  refuse(request, EACCES);
}

void rename(fuse_req_t request, fuse_ino_t /*directory*/, const char* /*name*/, fuse_ino_t new_directory,
            const char* new_name, unsigned /*flags*/) {
  serve(request, [&](FileSystem& files, const auto& call) { files.rename(call, new_directory, new_name); });
}

fuse_lowlevel_ops make_operations() {
  fuse_lowlevel_ops table{};
  table.init = init;
  table.lookup = lookup;
  table.forget = forget;
  table.forget_multi = forget_multi;
  table.getattr = getattr;
  table.setattr = setattr;
  table.readlink = readlink;
  table.mknod = mknod;
  table.mkdir = mkdir;
  table.unlink = unlink;
  table.rmdir = unlink;
  table.symlink = symlink;
  table.rename = rename;
  table.link = link;
  table.open = open;
  table.read = read;
  table.write = write;
  table.release = release;
  table.opendir = opendir;
  table.readdir = readdir;
  table.readdirplus = readdirplus;
  table.releasedir = releasedir;
  table.statfs = statfs;
  table.access = access;
  table.create = create;
  // No getxattr: told once that there is none, the kernel no longer asks before every write whether the file has capabilities.
  table.setxattr = setxattr;
  table.listxattr = listxattr;
  table.removexattr = removexattr;
  return table;
}

}  // namespace

const fuse_lowlevel_ops& operations() {
  static const fuse_lowlevel_ops table = make_operations();
  return table;
}

}  // namespace procfs_companion
