#include "daemon/metrics_file.hpp"

#include <cerrno>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <nsenterd/unique_fd.hpp>

namespace nsenterd::daemon {
namespace {

base::Result<void> write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(fd, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return base::last_error("write");
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return {};
}

}  // namespace

MetricsFile::MetricsFile(const boost::asio::any_io_executor& executor, MetricsFileOptions options,
                         std::function<std::string()> text, Log& log)
    : options_(std::move(options)), text_(std::move(text)), log_(log), timer_(executor) {
  update();
}

MetricsFile::~MetricsFile() {
  if (written_) ::unlink(options_.path.c_str());
}

void MetricsFile::update() {
  const auto written = write();
  if (written) written_ = true;
  // Once, and not again until it works again.
  if (!written && !std::exchange(failing_, true)) {
    log_.write(RecordKind::metrics_file_failed, [&](Record& record) {
      record.add(Field::path, options_.path.native());
      record.add(Field::step, written.error().step);
      record.add(Field::error_number, written.error().error);
    });
  } else if (written && std::exchange(failing_, false)) {
    log_.write(RecordKind::metrics_file_written,
               [&](Record& record) { record.add(Field::path, options_.path.native()); });
  }
  timer_.expires_after(options_.interval);
  timer_.async_wait([this](const boost::system::error_code& error) {
    if (!error) update();
  });
}

base::Result<void> MetricsFile::write() {
  // In the same directory, so that the rename is one step, and whoever reads sees one text or the other. Neither the rename nor
  // O_EXCL follows a link that somebody has put there (rename(2), open(2)); node_exporter reads no name but *.prom.
  const std::string temporary = options_.path.native() + '.' + std::to_string(::getpid());
  ::unlink(temporary.c_str());
  const UniqueFd file(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644));
  if (!file) return base::last_error("open");
  // Whatever the umask is.
  base::Result<void> result =
      ::fchmod(file.get(), 0644) == 0 ? base::Result<void>() : base::last_error("chmod");
  if (result) result = write_all(file.get(), text_());
  if (result && ::rename(temporary.c_str(), options_.path.c_str()) != 0) result = base::last_error("rename");
  if (!result) ::unlink(temporary.c_str());
  return result;
}

}  // namespace nsenterd::daemon
