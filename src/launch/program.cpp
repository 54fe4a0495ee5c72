#include "launch/program.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <span>
#include <string_view>

#include <fcntl.h>
#include <link.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#ifndef MFD_EXEC
#define MFD_EXEC 0x0010U
#endif

namespace nsenterd::launch {
namespace {

using base::last_error;
using base::Result;

Result<UniqueFd> create_executable_memfd() {
  constexpr unsigned kFlags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
  UniqueFd file(::memfd_create("nsenter-agent", kFlags | MFD_EXEC));
  // Before Linux 6.3 every memfd is executable, and the flag unknown.
  if (!file && errno == EINVAL) file.reset(::memfd_create("nsenter-agent", kFlags));
  if (!file) return last_error("memfd_create");
  return file;
}

/// The kernel seals a file only while nobody else has a hand on its pages, as what moves or ages them may have for a moment; it waits for
/// some 150 ms, and then says EBUSY.
Result<void> seal(int file) {
  constexpr int kSeals = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
  constexpr int kAttempts = 20;
  for (int attempt = 1; ::fcntl(file, F_ADD_SEALS, kSeals) != 0; ++attempt) {
    if (errno != EBUSY || attempt == kAttempts) return last_error("fcntl F_ADD_SEALS");
  }
  return {};
}

Result<UniqueFd> copy_program(const char* path) {
  const UniqueFd source(::open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY));
  if (!source) return last_error("open");
  struct stat status {};
  if (::fstat(source.get(), &status) != 0) return last_error("fstat");
  if (!S_ISREG(status.st_mode)) return base::SystemError{"open", EACCES};
  auto file = create_executable_memfd();
  if (!file) return file;
  for (off_t left = status.st_size; left > 0;) {
    const ssize_t copied = ::sendfile(file->get(), source.get(), nullptr, static_cast<std::size_t>(left));
    if (copied < 0) return last_error("sendfile");
    if (copied == 0) return base::SystemError{"sendfile", EIO};
    left -= copied;
  }
  if (const auto sealed = seal(file->get()); !sealed) return sealed.error();
  return file;
}

/// Restartable sequences (rseq(2)) are of no use to one thread, and cost every fork two page faults.
constexpr std::string_view kTunables = "GLIBC_TUNABLES=";
constexpr std::string_view kNoRseq = "glibc.pthread.rseq=0";
constexpr std::string_view kLibraryPath = "LD_LIBRARY_PATH=";
/// Functions of libraries are looked up once, ahead of all forks, and not by each child anew (ld.so(8)): that takes away nearly half of
/// a child's page faults.
constexpr std::string_view kBindNow = "LD_BIND_NOW=1";

/// Whether this code is in that library, and not linked into the program.
bool is_own(const dl_phdr_info& library) noexcept {
  const auto place = reinterpret_cast<std::uintptr_t>(&is_own) - library.dlpi_addr;
  const std::span parts(library.dlpi_phdr, library.dlpi_phnum);
  return std::any_of(parts.begin(), parts.end(), [place](const auto& part) {
    return part.p_type == PT_LOAD && place - part.p_vaddr < part.p_memsz;
  });
}

/// Adds the directory of one of dl_iterate_phdr(3)'s libraries to a list. First comes the one of this library: the fork server must not
/// find another version of it in the directory of some other library.
int add_directory(dl_phdr_info* library, std::size_t /*size*/, void* list) {
  const std::string_view path(library->dlpi_name);
  const auto slash = path.rfind('/');
  if (slash == std::string_view::npos) return 0;
  auto& directories = *static_cast<std::vector<std::string>*>(list);
  std::string directory(path.substr(0, std::max<std::size_t>(slash, 1)));
  if (is_own(*library)) {
    directories.insert(directories.begin(), std::move(directory));
  } else if (std::find(directories.begin(), directories.end(), directory) == directories.end()) {
    directories.push_back(std::move(directory));
  }
  return 0;
}

/// Where the libraries are that this process has. The copy of its program has no directory for $ORIGIN (ld.so(8)) to stand for.
std::string library_path() {
  std::vector<std::string> directories;
  ::dl_iterate_phdr(add_directory, &directories);
  std::string path(kLibraryPath);
  for (const std::string& directory : directories) path.append(directory).append(":");
  return path;
}

std::vector<std::string> own_environment() {
  std::vector<std::string> environment;
  std::string tunables(kTunables);
  std::string path = library_path();
  for (char** variable = environ; *variable != nullptr; ++variable) {
    const std::string_view text(*variable);
    if (text.starts_with(kTunables)) {
      tunables.append(text.substr(kTunables.size())).append(":");
    } else if (text.starts_with(kLibraryPath)) {
      path.append(text.substr(kLibraryPath.size()));
    } else {
      environment.emplace_back(text);
    }
  }
  // An empty entry would be the working directory.
  while (path.ends_with(':')) path.pop_back();
  if (path.size() > kLibraryPath.size()) environment.push_back(std::move(path));
  environment.push_back(tunables.append(kNoRseq));
  environment.emplace_back(kBindNow);
  return environment;
}

}  // namespace

Result<Program> load_program(const std::filesystem::path& file) {
  auto copy = copy_program(file.c_str());
  if (!copy) return copy.error();
  return Program{std::move(*copy), {std::string(kTunables).append(kNoRseq)}};
}

Result<Program> load_own_program() {
  auto copy = copy_program("/proc/self/exe");
  if (!copy) return copy.error();
  return Program{std::move(*copy), own_environment()};
}

}  // namespace nsenterd::launch
