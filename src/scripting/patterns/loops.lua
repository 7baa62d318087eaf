-- The loops of gmatch and gsub that call back into the script.
--
-- They are in Lua because what a function raises that is called from here stays the value that it is. The chunk is
-- given `search`, which finds a match, and `note`, which notes where an error was raised. It returns two functions.

local search, note = ...

local error, type, xpcall = error, type, xpcall
local byte, sub, concat = string.byte, string.sub, table.concat

-- gmatch: an iterator.
local function iterator(subject, pattern)
  local at = 1

  local function pass(first, last, ...)
    if first then
      at = (last < first and first or last) + 1
      return ...
    elseif last then
      -- At the line that has called the iterator: its call of this function has a level of its own.
      error(last, 3)
    end
  end

  return function()
    return pass(search(subject, pattern, at))
  end
end

-- What a table or a function has in place of a match, behind the two ends of the match.
local function value_of(replacement, first, last, ...)
  if not first then return first, last end
  if type(replacement) == "table" then
    return first, last, replacement[(...)]
  end
  return first, last, (replacement(...))
end

-- gsub with a table or a function, inside xpcall: the text and the count, or nil and what is wrong.
local function replace(subject, pattern, replacement, most)
  local is_anchored, is_only_first = byte(pattern) == 94, type(replacement) == "table"
  if is_anchored then pattern = sub(pattern, 2) end

  return xpcall(function()
    local pieces, size, count, at = {}, 0, 0, 1
    while count < most do
      local first, last, value = value_of(replacement, search(subject, pattern, at, is_anchored, is_only_first))
      if not first then
        if last then return nil, last end
        break
      end
      count = count + 1
      local kind = type(value)
      if not value then
        value = sub(subject, first, last)
      elseif kind ~= "string" and kind ~= "number" then
        return nil, "invalid replacement value (a " .. kind .. ")"
      end
      -- An empty match stands before a character, which stays.
      pieces[size + 1], pieces[size + 2] = sub(subject, at, first - 1), value
      size, at = size + 2, last + 1
      if last < first then
        if first > #subject then break end
        pieces[size + 1] = sub(subject, first, first)
        size, at = size + 1, first + 1
      end
      if is_anchored then break end
    end
    pieces[size + 1] = sub(subject, at)
    return concat(pieces), count
  end, note)
end

return iterator, replace
