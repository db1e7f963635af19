package io.shelfstream.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.shelfstream.config.Role;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine.TypeConversionException;

class RunCommandTest {
  private final RunCommand.RoleName roles = new RunCommand.RoleName();

  /** The second spelling was the documented one before. */
  @ParameterizedTest
  @ValueSource(strings = {"recognize", "recognise", "Recognize", "RECOGNISE"})
  void takesBothSpellingsOfTheRole(String name) {
    assertThat(roles.convert(name)).isEqualTo(Role.RECOGNIZE);
  }

  @Test
  void namesTheRolesThereAre() {
    assertThatThrownBy(() -> roles.convert("recognizer"))
        .isInstanceOf(TypeConversionException.class)
        .hasMessage("'recognizer' is no role; give recognize, gallery or all");
  }
}
