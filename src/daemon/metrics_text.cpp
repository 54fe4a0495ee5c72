#include "daemon/metrics_text.hpp"

#include <array>
#include <charconv>

namespace nsenterd::daemon {
namespace {

/// Label values and help: a backslash, a quote and the end of a line are escaped.
void append_escaped(std::string& out, std::string_view text) {
  for (const char character : text) {
    if (character == '\n') {
      out += "\\n";
      continue;
    }
    if (character == '\\' || character == '"') out += '\\';
    out += character;
  }
}

}  // namespace

std::string number_text(double value) {
  std::array<char, 32> digits;
  auto* const end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
  return {digits.data(), end};
}

void MetricsText::counter(std::string_view name, std::string_view help) {
  family(name, "_total", "counter", help, {});
}

void MetricsText::gauge(std::string_view name, std::string_view help, std::string_view unit) {
  family(name, "", "gauge", help, unit);
}

void MetricsText::histogram(std::string_view name, std::string_view help, std::string_view unit) {
  family(name, "", "histogram", help, unit);
}

void MetricsText::info(std::string_view name, std::string_view help) {
  family(name, "_info", format_ == MetricsFormat::open_metrics ? "info" : "gauge", help, {});
}

void MetricsText::family(std::string_view name, std::string_view suffix, std::string_view type,
                         std::string_view help, std::string_view unit) {
  family_ = name;
  // To the older format a family is named as its samples are.
  const std::string shown = family_ + std::string(format_ == MetricsFormat::prometheus ? suffix : "");
  text_.append("# TYPE ").append(shown).append(" ").append(type).append("\n");
  if (format_ == MetricsFormat::open_metrics && !unit.empty()) {
    text_.append("# UNIT ").append(shown).append(" ").append(unit).append("\n");
  }
  text_.append("# HELP ").append(shown).append(" ").append(help).append("\n");
}

void MetricsText::begin_sample(std::string_view suffix, const Labels& labels) {
  text_.append(family_).append(suffix);
  char separator = '{';
  for (const auto& [name, value] : labels) {
    (text_ += separator).append(name).append("=\"");
    append_escaped(text_, value);
    text_ += '"';
    separator = ',';
  }
  text_ += separator == '{' ? " " : "} ";
}

void MetricsText::sample(std::string_view suffix, const Labels& labels, std::uint64_t value) {
  begin_sample(suffix, labels);
  text_.append(std::to_string(value)) += '\n';
}

void MetricsText::sample(std::string_view suffix, const Labels& labels, double value) {
  begin_sample(suffix, labels);
  text_.append(number_text(value)) += '\n';
}

std::string MetricsText::finish() && {
  if (format_ == MetricsFormat::open_metrics) text_ += "# EOF\n";
  return std::move(text_);
}

}  // namespace nsenterd::daemon
