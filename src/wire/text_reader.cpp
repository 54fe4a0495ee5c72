#include "wire/text_reader.hpp"

#include <algorithm>
#include <utility>

#include "wire/base64.hpp"
#include "wire/json.hpp"

namespace nsenterd::wire {
namespace {

/// How many characters stand for themselves.
std::size_t plain_length(std::string_view text) noexcept {
  std::size_t length = 0;
  while (length < text.size() && static_cast<unsigned char>(text[length]) >= 0x20 && text[length] != '"' &&
         text[length] != '\\') {
    ++length;
  }
  return length;
}

int hex_digit(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

}  // namespace

bool TextReader::skip(std::string_view literal) {
  if (failed_ || !left_.starts_with(literal)) return false;
  left_.remove_prefix(literal.size());
  return true;
}

void TextReader::key(std::string_view name) {
  expect(std::exchange(first_, false) ? "{\"" : ",\"");
  expect(name);
  expect("\":");
}

bool TextReader::is_next(std::string_view name) const noexcept {
  std::string_view rest = left_;
  if (failed_ || !rest.starts_with(first_ ? "{\"" : ",\"")) return false;
  rest.remove_prefix(2);
  if (!rest.starts_with(name)) return false;
  rest.remove_prefix(name.size());
  return rest.starts_with("\":");
}

void TextReader::word(const char* name, bool& out, const char* first, const char* second) {
  std::string read;
  text(name, read);
  out = read == second;
  if (!out && read != first) failed_ = true;
}

void TextReader::string(std::string& out) {
  out.clear();
  expect("\"");
  while (!failed_) {
    const std::size_t plain = plain_length(left_);
    out.append(left_, 0, plain);
    left_.remove_prefix(plain);
    if (skip("\"")) {
      failed_ = out.find('\0') != std::string::npos || !is_utf8(out);
      return;
    }
    escape(out);
  }
}

void TextReader::escape(std::string& out) {
  expect("\\");
  if (skip("\"")) {
    out += '"';
  } else if (skip("\\")) {
    out += '\\';
  } else {
    expect("u00");
    const int high = left_.size() < 2 ? -1 : hex_digit(left_[0]);
    const int low = left_.size() < 2 ? -1 : hex_digit(left_[1]);
    failed_ = failed_ || high < 0 || high > 1 || low < 0;
    if (failed_) return;
    out += static_cast<char>(high * 16 + low);
    left_.remove_prefix(2);
  }
}

void TextReader::base64(std::string& out) {
  auto decoded = decode_base64(quoted());
  if (decoded) out = std::move(*decoded);
  failed_ |= !decoded;
}

void TextReader::check_base64() {
  failed_ |= !is_base64(quoted());
}

std::string_view TextReader::quoted() {
  expect("\"");
  const std::string_view text = left_.substr(0, left_.find('"'));
  left_.remove_prefix(text.size());
  expect("\"");
  return text;
}

}  // namespace nsenterd::wire
