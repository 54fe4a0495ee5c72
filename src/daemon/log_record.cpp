#include "daemon/log_record.hpp"

#include "wire/escape.hpp"

namespace nsenterd::daemon {
namespace {

bool continues_character(char byte) {
  return (static_cast<unsigned char>(byte) & 0xC0U) == 0x80U;
}

/// At most so many bytes, and no part of a character at their end.
std::string_view cut(std::string_view value, std::size_t length) {
  // A character has four bytes at most; what goes on for longer is none.
  for (int i = 0; i < 3 && length > 0 && continues_character(value[length]); ++i) --length;
  return value.substr(0, length);
}

}  // namespace

std::string loggable(std::string_view value) {
  if (value.size() <= kLongestValue) return wire::escape(value);
  return wire::escape(cut(value, kLongestValue)).append(kCut);
}

void Record::add(Field field, std::string_view value) {
  append(field, loggable(value));
}

void Record::append(Field field, std::string_view value) {
  text_ += static_cast<char>(field);
  text_.append(value) += '\n';
}

ReadRecord read_record(std::string_view text) {
  ReadRecord record;
  record.kind = static_cast<RecordKind>(text.front());
  record.message = info_of(record.kind).message;
  text.remove_prefix(1);
  while (!text.empty()) {
    const std::size_t end = text.find('\n', 1);
    record.fields.emplace_back(static_cast<Field>(text.front()), text.substr(1, end - 1));
    text.remove_prefix(end + 1);
  }
  return record;
}

ReadRecord text_record(std::string_view message) {
  ReadRecord record;
  record.message = wire::escape(message);
  return record;
}

}  // namespace nsenterd::daemon
