import java.util.Locale;
import java.util.TreeSet;
import java.util.stream.Collectors;

/** Prints what Java takes for one text when case plays no part, in the form of pairs.py. */
class Pairs {
  public static void main(String[] arguments) {
    Locale turkish = Locale.forLanguageTag("tr");
    for (int code = 0; code < 0x110000; code++) {
      if (code >= 0xd800 && code <= 0xdfff) continue;
      String character = Character.toString(code);
      TreeSet<String> others = new TreeSet<>();
      // String.equalsIgnoreCase and regular expressions compare each in upper, then in lower case.
      others.add(Character.toString(Character.toLowerCase(Character.toUpperCase(code))));
      others.add(Character.toString(Character.toUpperCase(code)));
      others.add(Character.toString(Character.toTitleCase(code)));
      for (Locale locale : new Locale[] {Locale.ROOT, turkish}) {
        others.add(character.toLowerCase(locale));
        others.add(character.toUpperCase(locale));
      }
      others.remove(character);
      for (String other : others) {
        String codes = other.codePoints().mapToObj(Integer::toHexString).collect(Collectors.joining(" "));
        System.out.println(Integer.toHexString(code) + " " + codes);
      }
    }
  }
}
